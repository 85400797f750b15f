/** Failures of Checkmk's REST API in words for people: what it says, and what to do. */

import { z } from "zod";
import { type ErrorCode, FarsiteError } from "../../../common/errors.ts";
import { parseJson } from "../../../common/json.ts";
import { printable } from "../../../common/text.ts";

/** What Checkmk says of a failure. */
const problem = z.object({
  title: z.string().optional(),
  detail: z.string().optional(),
  fields: z.unknown().optional(),
});

/** Longest text of the other side's that is shown, in UTF-16 units, and how many fields. */
const MAX_TEXT = 300;
const MAX_FIELDS = 12;
/** How deep fields are looked through. */
const MAX_DEPTH = 8;

export interface Answer {
  status: number;
  /** Where a redirection leads. */
  location: string | null;
  type: string;
  text: string;
}

/** An answer of the REST API that says no. */
export class RestFailure extends FarsiteError {
  constructor(
    readonly status: number,
    code: ErrorCode,
    message: string,
    hint?: string,
  ) {
    super(code, message, hint);
  }
}

const USE_URL = "--url must be that of the REST API: https://HOST/SITE/check_mk/api/1.0";

/** @param what was asked for, such as `the site connection main` */
export function failureOf(answer: Answer, what: string, hide: (text: string) => string): RestFailure {
  const { status } = answer;
  const said = saidBy(answer, hide);
  const failure = (code: ErrorCode, message: string, hint?: string) =>
    new RestFailure(status, code, message, hint);
  if (status >= 300 && status < 400) {
    const place = hide(printable(answer.location ?? "somewhere", MAX_TEXT));
    const message = `the central site redirects to ${place} instead of answering`;
    return failure("E_CHECKMK_ANSWER", message, USE_URL);
  }
  switch (status) {
    case 401:
      return failure(
        "E_CHECKMK_AUTH",
        `the central site does not accept the user${said.text}`,
        "--user must be an automation user of the central site, and the secret its automation secret.",
      );
    case 403:
      return failure(
        "E_CHECKMK_AUTH",
        `the user may not change ${what}${said.text}`,
        "Its role needs the permission for distributed monitoring (Setup, Roles & permissions); an administrator has it.",
      );
    case 404:
      return failure("E_CHECKMK_ANSWER", `the central site knows nothing of ${what}${said.text}`, USE_URL);
    case 400:
    case 422:
      return failure("E_CHECKMK_REFUSED", `the central site refuses ${what}${said.text}`, said.fields);
    case 409:
    case 412:
    case 423:
    case 428:
      return failure(
        "E_CHECKMK_CONFLICT",
        `somebody else changes ${what} (HTTP ${status})${said.text}`,
        said.fields ?? "Run it again; --dry-run shows what would be changed.",
      );
    default:
      return failure(
        "E_CHECKMK_ANSWER",
        `the central site fails with HTTP ${status}${said.text}`,
        status === 503 ? "Is the site started? omd status" : "Its log var/log/web.log has the reason.",
      );
  }
}

function saidBy({ text }: Answer, hide: (text: string) => string): { text: string; fields?: string } {
  const { data } = problem.safeParse(parseJson(text));
  if (!data) return { text: "" };
  const clean = (said: string) => hide(printable(said.trim(), MAX_TEXT));
  const words = [data.title, data.detail].filter((each) => each !== undefined && each.trim() !== "");
  const fields = fieldsOf(data.fields).slice(0, MAX_FIELDS).map(clean).join("\n");
  return {
    text: words.length === 0 ? "" : `: ${words.map((each) => clean(each ?? "")).join(": ")}`,
    ...(fields !== "" && { fields }),
  };
}

/** The messages below each field, each with its path. */
function fieldsOf(value: unknown, path = "", depth = 0): string[] {
  if (depth > MAX_DEPTH || value === undefined || value === null) return [];
  if (typeof value !== "object") return [path === "" ? String(value) : `${path}: ${value}`];
  if (Array.isArray(value)) return value.flatMap((each) => fieldsOf(each, path, depth + 1));
  return Object.entries(value).flatMap(([key, each]) =>
    fieldsOf(each, path === "" ? key : `${path}.${key}`, depth + 1),
  );
}
