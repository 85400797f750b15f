/** What the doctor finds at one place, and whose job it is. */
import { type ErrorCode, FarsiteError, reasonOf } from "../../common/errors.ts";
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

export interface Finding {
  step: Step;
  /** `warning`: works, but somebody should know; `skipped`: could not be looked at. */
  state: "ok" | "warning" | "problem" | "skipped";
  /** What was found, in a sentence for people. */
  says: string;
  code?: ErrorCode;
  /** Where on the way to the hub it is, if it is there. */
  hop?: Hop;
  /** What to do. */
  do?: string;
  /** Whose job that is. */
  owner?: Owner;
  /** Figures for scripts; times are ms. */
  figures?: Record<string, number | string>;
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

/** An error as what is wrong at a step; anything else that was thrown is a fault of Farsite's. */
export function problem(step: Step, thrown: unknown): Finding {
  const error =
    thrown instanceof FarsiteError ? withAdvice(thrown) : new FarsiteError("E_INTERNAL", reasonOf(thrown));
  const { code, message, hint } = error;
  const hop = hopOf(code);
  return {
    step,
    state: "problem",
    says: message,
    code,
    ...(hop && { hop }),
    ...(hint !== undefined && { do: hint }),
    owner: ownerOf(code),
  };
}

/** A problem that stops nothing. */
export function eased(finding: Finding): Finding {
  return finding.state === "problem" ? { ...finding, state: "warning" } : finding;
}
