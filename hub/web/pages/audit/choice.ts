/** Which records of the audit a reader chose, as the address of the page has it. */
import { z } from "zod";

const LONGEST = 200;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

export const PERIODS = {
  hour: { title: "The last hour", ms: HOUR },
  day: { title: "The last day", ms: DAY },
  week: { title: "The last week", ms: 7 * DAY },
  all: { title: "As far as kept", ms: undefined },
} as const;
const names = Object.keys(PERIODS) as (keyof typeof PERIODS)[];

export const auditChoice = z.object({
  tenant: z.string().max(LONGEST).default(""),
  site: z.string().max(LONGEST).default(""),
  action: z.string().max(LONGEST).default(""),
  period: z.enum(names).default("week"),
  /** Records on the page. */
  limit: z.coerce.number().int().min(1).max(5_000).default(200),
});
export type AuditChoice = z.output<typeof auditChoice>;

export function auditPath(choice: AuditChoice, changes: Partial<AuditChoice>): string {
  const wanted = Object.entries({ ...choice, ...changes }).map(([name, value]): [string, string] => [
    name,
    String(value),
  ]);
  return `/audit?${new URLSearchParams(wanted.filter(([, value]) => value !== ""))}`;
}
