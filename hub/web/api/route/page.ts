/** Lists come in pages: `next` of one is `cursor` of the one behind it. */

import { z } from "zod";
import { parseJson } from "../../../../common/json.ts";

export const USUAL_PAGE = 100;
export const LARGEST_PAGE = 1_000;
/** UTF-16 units of a cursor: the longest key, and some. */
const LONGEST_CURSOR = 512;

/** Parameters of a list whose cursors hold a value of `schema`. */
export function pageQuery<S extends z.ZodType>(schema: S) {
  return {
    limit: z.coerce
      .number()
      .int()
      .min(1)
      .max(LARGEST_PAGE)
      .default(USUAL_PAGE)
      .describe("Entries of the page, at most"),
    cursor: z
      .string()
      .max(LONGEST_CURSOR)
      .transform((text, context): z.output<S> => {
        const { data } = schema.safeParse(decoded(text));
        if (data !== undefined) return data;
        context.addIssue({ code: "custom", message: "it is none that this list gave" });
        return z.NEVER;
      })
      .optional()
      .describe("`next` of the page before; opaque"),
  };
}

export const next = z
  .string()
  .optional()
  .describe("Cursor of the page behind this one; missing: it is the last");

export function pageOf<S extends z.ZodType>(items: S) {
  return z.object({ items: z.array(items).readonly(), next });
}

export function cursorOf(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

function decoded(text: string): unknown {
  return parseJson(Buffer.from(text, "base64url").toString());
}

export const keyCursor = z.string().max(LONGEST_CURSOR);

/**
 * A page of what is sorted by a key that each entry has for itself: what comes or goes meanwhile makes none of the others
 * come twice or not at all.
 */
export function pageByKey<T>(
  all: readonly T[],
  keyOf: (each: T) => string,
  { limit, cursor }: { limit: number; cursor?: string | undefined },
): { items: T[]; next?: string } {
  const rest = all
    .map((each) => [keyOf(each), each] as const)
    .filter(([key]) => cursor === undefined || key > cursor)
    .sort(([a], [b]) => (a < b ? -1 : Number(a > b)));
  const items = rest.slice(0, limit);
  const last = items.at(-1);
  return {
    items: items.map(([, each]) => each),
    ...(last && rest.length > limit && { next: cursorOf(last[0]) }),
  };
}
