/** Takes a request apart. Everything that is wrong with it is found before it is refused. */

import type { z } from "zod";
import { FarsiteError } from "../../../../common/errors.ts";
import { printable } from "../../../../common/text.ts";
import { InvalidRequest, type WebContext, type Wrong } from "../../site/index.ts";
import type { Input, Route } from "./route.ts";

/** Fields that are named in one answer, and UTF-16 units of each name and of what is said of it. */
const MOST_WRONG = 50;
const LONGEST_FIELD = 100;
const LONGEST_DETAIL = 300;
const JSON_TYPE = /^application\/json *(?:; *charset="?utf-8"? *)?$/i;

/** Throws E_REQUEST or E_MEDIA_TYPE. */
export async function readInput(
  route: Route,
  context: WebContext,
): Promise<Input<z.ZodType, z.ZodType, z.ZodType>> {
  const wrong: Wrong[] = [];
  const part = (name: Wrong["in"], schema: z.ZodType, value: unknown): unknown => {
    const parsed = schema.safeParse(value);
    if (!parsed.success) wrong.push(...wrongOf(name, parsed.error));
    return parsed.data;
  };
  const params = part("path", route.params, context.req.param());
  const query = part("query", route.query, onceEach(context));
  const body = route.body && part("body", route.body, await jsonOf(context));
  if (wrong.length > 0) throw new InvalidRequest(wrong.slice(0, MOST_WRONG));
  return { params, query, body };
}

/** What is there twice is a list, which no parameter is. */
function onceEach(context: WebContext): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(context.req.queries()).map(([name, values]) => [
      name,
      values.length === 1 ? (values[0] as string) : values,
    ]),
  );
}

async function jsonOf(context: WebContext): Promise<unknown> {
  const type = context.req.header("content-type") ?? "";
  if (!JSON_TYPE.test(type))
    throw new FarsiteError(
      "E_MEDIA_TYPE",
      type === "" ? "the request does not say what its body is" : "the request's body is not said to be JSON",
      "Send JSON, with the header Content-Type: application/json.",
    );
  try {
    const bytes = await context.req.arrayBuffer();
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    if (error instanceof FarsiteError) throw error;
    throw new InvalidRequest([{ in: "body", field: "", detail: "it is not JSON in UTF-8" }]);
  }
}

/** Never what was sent, the names of unknown fields aside. */
function wrongOf(part: Wrong["in"], error: z.ZodError): Wrong[] {
  return error.issues.flatMap((issue): Wrong[] => {
    const path = issue.path.map(String);
    if (issue.code === "unrecognized_keys")
      return issue.keys.map((key) => said(part, [...path, key], "there is no such field"));
    return [said(part, path, issue.message)];
  });
}

function said(part: Wrong["in"], path: string[], detail: string): Wrong {
  return {
    in: part,
    field: printable(path.join("."), LONGEST_FIELD),
    detail: printable(detail, LONGEST_DETAIL),
  };
}
