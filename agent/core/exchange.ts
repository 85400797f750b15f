/** One question to a core, over a connection of its own that is given back at once. */
import type { Socket } from "node:net";
import type { Clock } from "../../common/clock.ts";
import type { Dialer, Target } from "../service/index.ts";
import { type Answer, type Columns, parseAnswer, question } from "./answer.ts";
import { closed, type Failure, failureOf, silence } from "./failure.ts";

export interface ExchangeOptions {
  target: Target;
  dial: Dialer;
  /** Puts TLS on a connection. */
  secure: (socket: Socket) => Socket;
  clock: Clock;
  /** ms for the answer, the connection included. */
  timeout: number;
  /** Whether somebody listens at a Unix socket's path. */
  listening: (path: string) => boolean;
}

export type Outcome =
  | Exclude<Answer, { kind: "invalid" }>
  /** `met`: there was a connection, and whoever is at its other end did not want the question. */
  | { kind: "failed"; failure: Failure; met: boolean }
  | { kind: "aborted" };

/** Asks; `abort` ends it early. Never rejects. */
export function exchange(
  columns: Columns,
  tls: boolean,
  options: ExchangeOptions,
): { outcome: Promise<Outcome>; abort: () => void } {
  const { target, dial, secure, clock, timeout, listening } = options;
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  const sockets = [dial(target)];
  let connected = false;
  let received: Buffer = Buffer.alloc(0);
  const finish = (outcome: Outcome): void => {
    timer.cancel();
    for (const socket of sockets) socket.destroy();
    resolve(outcome);
  };
  const fail = (failure: Failure, met = connected) => finish({ kind: "failed", failure, met });
  const timer = clock.after(timeout, () => fail(silence(connected, target, timeout), false));

  const hear = (socket: Socket): void => {
    socket.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      const answer = parseAnswer(received, columns);
      if (answer?.kind === "invalid") fail({ cause: "invalid", reason: answer.reason });
      else if (answer) finish(answer);
    });
    socket.once("end", () => fail(closed(received.length)));
  };
  // they stay: a socket that is destroyed may still fail, and nobody else listens
  const watch = (socket: Socket): void => {
    socket.on("error", (error) => fail(failureOf(error, target, listening)));
    socket.once("close", () => fail(closed(received.length)));
  };

  const [plain] = sockets as [Socket];
  watch(plain);
  plain.once("connect", () => {
    connected = true;
    const socket = tls ? secure(plain) : plain;
    if (socket !== plain) {
      sockets.unshift(socket);
      watch(socket);
    }
    hear(socket);
    socket.write(question(columns));
  });
  return { outcome: promise, abort: () => finish({ kind: "aborted" }) };
}
