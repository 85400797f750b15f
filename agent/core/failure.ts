/** Why a core gave no answer, in words that an administrator of Checkmk knows from the Livestatus proxy. */
import { constants } from "node:os";
import type { CoreCause } from "../../common/core.ts";
import type { Target } from "../service/index.ts";

export interface Failure {
  cause: CoreCause;
  reason: string;
}

/** Cause and text (strerror(3)) of the errors that connect(2) and read(2) may give. */
const KNOWN: Record<string, [cause: CoreCause, text: string]> = {
  ECONNREFUSED: ["stopped", "Connection refused"],
  ENOENT: ["stopped", "No such file or directory"],
  ENOTSOCK: ["stopped", "Socket operation on non-socket"],
  // the queue of connections that nobody takes is full
  EAGAIN: ["hung", "Resource temporarily unavailable"],
  EACCES: ["denied", "Permission denied"],
  EPERM: ["denied", "Operation not permitted"],
  ETIMEDOUT: ["unreachable", "Connection timed out"],
  EHOSTUNREACH: ["unreachable", "No route to host"],
  ENETUNREACH: ["unreachable", "Network is unreachable"],
  // it is just stopping, or what takes connections for it has none behind it
  ECONNRESET: ["stopped", "Connection reset by peer"],
  EPIPE: ["stopped", "Broken pipe"],
};

/**
 * What an error of the connection says of the core.
 * @param listening whether somebody listens at a Unix socket's path
 */
export function failureOf(
  error: NodeJS.ErrnoException,
  target: Target,
  listening: (path: string) => boolean,
): Failure {
  // Bun says so also of EAGAIN: somebody listens, and the queue of those whom he does not serve is full
  const full = error.code === "ECONNREFUSED" && "path" in target && listening(target.path);
  const code = full ? "EAGAIN" : (error.code ?? "");
  const known = KNOWN[code];
  if (!known) return { cause: "unreachable", reason: error.message };
  const [cause, text] = known;
  return { cause, reason: `[Errno ${constants.errno[code as keyof typeof constants.errno]}] ${text}` };
}

/** The end of the connection, before the end of an answer. */
export function closed(received: number): Failure {
  return received === 0
    ? { cause: "stopped", reason: "closed the connection without an answer" }
    : { cause: "invalid", reason: "closed the connection in the middle of its answer" };
}

/**
 * No answer within `ms`.
 * @param connected whether the connection was taken, or queued
 */
export function silence(connected: boolean, target: Target, ms: number): Failure {
  const seconds = ms / 1000;
  if (connected)
    return { cause: "hung", reason: `takes connections, but did not answer within ${seconds} s` };
  // on this host nothing gets lost: the queue is full
  const near = "path" in target || /^(127\.|::1$|localhost$)/.test(target.host);
  return { cause: near ? "hung" : "unreachable", reason: `no connection within ${seconds} s` };
}
