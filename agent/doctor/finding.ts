/** What the doctor finds at one place, and whose job it is. */
import { FarsiteError } from "../../common/errors.ts";
import { type Finding as Found, failed } from "../../common/finding.ts";
import { type Hop, hopOf, withAdvice } from "../tunnel/index.ts";
import { type Owner, ownerOf } from "./owner.ts";

/** What is looked at, in this order. */
export type Step =
  | "configuration"
  | "state"
  | "agent"
  | "name"
  | "proxy"
  | "connection"
  | "tls"
  | "websocket"
  | "https"
  | "handshake"
  | "clock"
  | "round-trip"
  | "large-messages"
  | "throughput"
  | "service"
  | "listener"
  | "outbox";

export interface Finding extends Found<Step> {
  /** Where on the way to the hub it is, if it is there. */
  hop?: Hop;
  /** Whose job it is. */
  owner?: Owner;
}

type More = Partial<Pick<Finding, "do" | "owner" | "figures">>;

export const ok = (step: Step, says: string, figures?: Finding["figures"]): Finding => ({
  step,
  state: "ok",
  says,
  ...(figures && { figures }),
});

export const skipped = (step: Step, says: string): Finding => ({ step, state: "skipped", says });

export const warning = (step: Step, says: string, more: More = {}): Finding => ({
  step,
  state: "warning",
  says,
  ...more,
});

/** An error as what is wrong at a step, with advice and whose job it is. */
export function problem(step: Step, thrown: unknown): Finding {
  const found = failed(step, thrown instanceof FarsiteError ? withAdvice(thrown) : thrown);
  const { code = "E_INTERNAL" } = found;
  const hop = hopOf(code);
  return { ...found, ...(hop && { hop }), owner: ownerOf(code) };
}

/** A problem that stops nothing. */
export function eased(finding: Finding): Finding {
  return finding.state === "problem" ? { ...finding, state: "warning" } : finding;
}
