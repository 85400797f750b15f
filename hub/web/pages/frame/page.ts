/** What the pages are made with, and how an answer becomes one. */
import type { HtmlEscapedString } from "hono/utils/html";
import { z } from "zod";
import { FarsiteError } from "../../../../common/errors.ts";
import type { Assets } from "../../assets/index.ts";
import type { Feeds } from "../../events/index.ts";
import type { WebContext } from "../../site/index.ts";
import type { Frame } from "./frame.ts";

/** Of fields that may come more than once: UTF-16 units of each, and how many. */
const LONGEST_CHOICE = 200;
const MOST_CHOICES = 1_000;

export interface PageParts {
  assets: Assets;
  /** Wall clock, ms. */
  wall: () => number;
  feeds: Feeds;
  /** Names of the services that sites can have, as hub.toml has them. */
  services: readonly string[];
}

export function frameOf(context: WebContext, { assets }: Pick<PageParts, "assets">): Frame {
  const reach = context.get("reach");
  return {
    assets,
    viewer: reach && {
      name: reach.principal.name,
      role: reach.principal.role,
      has: (right) => reach.has(right),
    },
    csrf: context.get("csrf") ?? "",
  };
}

/** Answers with a page. */
export async function show(
  context: WebContext,
  page: HtmlEscapedString | Promise<HtmlEscapedString>,
  status: 200 | 400 | 403 | 404 | 409 | 429 | 502 = 200,
): Promise<Response> {
  return context.html(await page, status);
}

/** What the address says besides the path. Throws E_REQUEST. */
export function queryOf<S extends z.ZodType>(context: WebContext, schema: S): z.output<S> {
  const { data } = schema.safeParse(context.req.query());
  if (data === undefined) throw new FarsiteError("E_REQUEST", "the address of this page is malformed");
  return data;
}

/** What a form says, its fields that may come more than once as lists. Throws E_REQUEST. */
export async function formOf<S extends z.ZodType>(context: WebContext, schema: S): Promise<z.output<S>> {
  const fields = await context.req.parseBody({ all: true }).catch(() => undefined);
  const { data, error } = schema.safeParse(fields);
  if (data !== undefined) return data;
  const wrong = error?.issues[0];
  const where = wrong?.path.join(".") ?? "";
  throw new FarsiteError(
    "E_REQUEST",
    where === "" ? "the form is malformed" : `the form's field ${where} is wrong`,
    wrong?.message,
  );
}

/** A field that may come any number of times. */
export const listed = z.preprocess(
  (value) => (value === undefined ? [] : Array.isArray(value) ? value : [value]),
  z.array(z.string().max(LONGEST_CHOICE)).max(MOST_CHOICES),
);
