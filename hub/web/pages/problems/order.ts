/** What is to be done about the problems that were marked, as the form says it. */

import { z } from "zod";
import { FarsiteError } from "../../../../common/errors.ts";
import { parseJson } from "../../../../common/json.ts";
import type { ProblemCommand, Target } from "../../../problems/index.ts";
import { PAGE } from "./choice.ts";

/** UTF-16 units of one mark: names of a site, a host and a service. */
const LONGEST_MARK = 2_000;
/** UTF-16 units of a comment. */
export const LONGEST_COMMENT = 1_000;
/** Minutes that a downtime can be chosen to take. */
export const DOWNTIMES = [30, 60, 120, 240, 480, 1_440, 2_880, 10_080] as const;
const MINUTE = 60;

const list = (value: unknown) => (value === undefined ? [] : Array.isArray(value) ? value : [value]);
const yes = z.literal("yes").optional();

export const orderForm = z.object({
  do: z.enum(["acknowledge", "unacknowledge", "downtime", "remove-downtime", "recheck"]),
  problem: z.preprocess(list, z.array(z.string().max(LONGEST_MARK)).max(PAGE)),
  comment: z.string().max(LONGEST_COMMENT).default(""),
  minutes: z.coerce.number().int().min(1).max(525_600).default(120),
  sticky: yes,
  notify: yes,
  persistent: yes,
  services: yes,
});
export type OrderForm = z.output<typeof orderForm>;

const mark = z.tuple([z.string(), z.string(), z.string(), z.string().optional()]);

/** How a problem is named in the form. */
export function markOf({ tenant, site, host, service }: Target): string {
  return JSON.stringify([tenant, site, host, ...(service === undefined ? [] : [service])]);
}

/** The problems that were marked. Throws E_REQUEST. */
export function targetsOf({ problem }: OrderForm): Target[] {
  return problem.map((text) => {
    const { data } = mark.safeParse(parseJson(text));
    if (!data) throw new FarsiteError("E_REQUEST", "the form names a problem that cannot be one");
    const [tenant, site, host, service] = data;
    return { tenant, site, host, service };
  });
}

/**
 * @param now s since the epoch
 * @returns undefined where a comment is needed
 */
export function commandOf(form: OrderForm, now: number): ProblemCommand | undefined {
  const comment = form.comment.trim();
  switch (form.do) {
    case "acknowledge":
      return comment === ""
        ? undefined
        : {
            kind: "acknowledge",
            comment,
            sticky: form.sticky === "yes",
            notify: form.notify === "yes",
            persistent: form.persistent === "yes",
          };
    case "downtime":
      return comment === ""
        ? undefined
        : {
            kind: "downtime",
            comment,
            from: now,
            to: now + form.minutes * MINUTE,
            services: form.services === "yes",
          };
    default:
      return { kind: form.do };
  }
}
