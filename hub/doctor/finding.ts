/** What the hub's doctor finds, and the exit status that follows. */
import type { ErrorCode } from "../../common/errors.ts";
import type { Finding as Found } from "../../common/finding.ts";

/** What is looked at, in this order. */
export type Step =
  | "configuration"
  | "files"
  | "disk"
  | "registry"
  | "clock"
  | "certificate"
  | "hub"
  | "listener"
  | "pool"
  | "endpoint"
  | "viewer"
  | "central"
  | "limits";

export type Finding = Found<Step>;

type More = Partial<Pick<Finding, "do" | "figures" | "code">>;

const of =
  (state: Finding["state"]) =>
  (step: Step, says: string, more: More = {}): Finding => ({ step, state, says, ...more });

export const ok = of("ok");
export const warning = of("warning");
export const skipped = of("skipped");

export const wrong = (step: Step, code: ErrorCode, says: string, advice?: string): Finding => ({
  step,
  state: "problem",
  says,
  code,
  ...(advice !== undefined && { do: advice }),
});

/** 2 is wrong usage. Documented in operator.md; never changed. */
const STATUS: Record<Step, number> = {
  configuration: 20,
  files: 20,
  disk: 21,
  registry: 22,
  clock: 23,
  certificate: 24,
  hub: 25,
  listener: 26,
  pool: 27,
  endpoint: 27,
  viewer: 28,
  central: 29,
  limits: 30,
};

/** That of the first problem; 0 without one. */
export function exitStatus(findings: readonly Finding[]): number {
  const first = findings.find(({ state }) => state === "problem");
  return first ? STATUS[first.step] : 0;
}
