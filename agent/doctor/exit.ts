/** The exit status: which kind of hop failed first. */
import type { Hop } from "../tunnel/index.ts";
import type { Finding, Step } from "./finding.ts";

/** For what has no place on the way and is at no step below. */
const OTHER = 1;

/** 2 is wrong usage. Documented in agent.md; never changed. */
const BY_HOP: Record<Hop, number> = {
  name: 10,
  proxy: 11,
  connection: 12,
  tls: 13,
  http: 14,
  handshake: 15,
  hub: 16,
  carrier: 17,
};

const BY_STEP: Partial<Record<Step, number>> = {
  configuration: 20,
  state: 20,
  agent: 21,
  clock: 22,
  service: 23,
  listener: 24,
  outbox: 25,
};

/** 0 without a problem. What is wrong on the way comes before what is wrong on this host. */
export function exitStatus(findings: readonly Finding[]): number {
  const problems = findings.filter(({ state }) => state === "problem");
  const first = problems.find(({ hop, step }) => hop !== undefined && step !== "agent") ?? problems[0];
  if (!first) return 0;
  const hop = first.step === "agent" ? undefined : first.hop;
  return (hop && BY_HOP[hop]) ?? BY_STEP[first.step] ?? OTHER;
}
