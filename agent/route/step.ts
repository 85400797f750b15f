/** One step on a socket that is being made ready: it succeeds, or the socket ends with a reason, or time is over. */
import type { Socket } from "node:net";
import type { Clock } from "../../common/clock.ts";
import type { FarsiteError } from "../../common/errors.ts";

/** How long an attempt may take, all its steps together. */
export interface Limit {
  clock: Clock;
  /** When it must be over, on `clock.now()`. */
  until: number;
  /** ms that were given for all of it: for messages. */
  timeout: number;
}

export function limitOf(clock: Clock, timeout: number): Limit {
  return { clock, timeout, until: clock.now() + timeout };
}

export const isOver = ({ clock, until }: Limit): boolean => clock.now() >= until;

/** Why a step failed. Silence has the code ETIMEDOUT, as the system's own; an early end ECONNRESET. */
export type Trouble = NodeJS.ErrnoException;

export const isSilence = (trouble: Trouble): boolean => trouble.code === "ETIMEDOUT";

/** The trouble of time that is over. */
export const silence = (ms: number): Trouble => trouble("ETIMEDOUT", `no answer in ${ms / 1000} s`);

function trouble(code: string, message: string): Trouble {
  return Object.assign(new Error(message), { code });
}

/**
 * Runs one step. When it does not succeed the socket is destroyed, and what is thrown is `failed(trouble)`, or
 * what the step itself gave to `fail`.
 * @param begin listens on the socket; gives back how to stop listening
 */
export function step<T>(
  socket: Socket,
  limit: Limit,
  failed: (trouble: Trouble) => FarsiteError,
  begin: (done: (value: T) => void, fail: (error: FarsiteError) => void) => () => void,
): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const onError = (error: Trouble) => fail(failed(error));
  const onClose = () => fail(failed(trouble("ECONNRESET", "the other side closed the connection")));
  const timer = limit.clock.after(Math.max(0, limit.until - limit.clock.now()), () =>
    fail(failed(silence(limit.timeout))),
  );
  let over = false;
  let stop = () => {};
  const finish = (): boolean => {
    if (over) return false;
    over = true;
    timer.cancel();
    socket.off("close", onClose);
    socket.off("end", onClose);
    // one listener stays: what fails between two steps must not end the process
    socket.off("error", onError);
    socket.on("error", () => {});
    stop();
    return true;
  };
  const fail = (error: FarsiteError): void => {
    if (!finish()) return;
    socket.destroy();
    reject(error);
  };
  socket.on("error", onError);
  socket.on("close", onClose);
  socket.on("end", onClose);
  stop = begin((value) => finish() && resolve(value), fail);
  // between two steps nobody listened
  if (socket.destroyed || socket.readableEnded) onClose();
  return promise;
}
