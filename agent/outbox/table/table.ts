/** A table of the core's, whole, over a connection of its own. */
import type { Clock } from "../../../common/clock.ts";
import { reasonOf } from "../../../common/errors.ts";
import { HEAD_BYTES, type Head, parseHead } from "../../../common/livestatus/index.ts";
import type { Dialer, Target } from "../../service/index.ts";

/** Asks the core and gives the rows. Throws an Error with a reason for people. */
export type Ask = (query: string) => Promise<unknown[][]>;

export interface CoreOptions {
  target: Target;
  dial: Dialer;
  clock: Clock;
  /** ms for the answer. */
  timeout: number;
}

/** Bytes of an answer: 50,000 services with long output. */
const MAX_ANSWER = 64 << 20;

/** Asks a core in the form that all of them know. */
export function askCore({ target, dial, clock, timeout }: CoreOptions): Ask {
  return (query) =>
    new Promise((resolve, reject) => {
      const socket = dial(target);
      const chunks: Buffer[] = [];
      let length = 0;
      let head: Head | undefined;
      const finish = (reason: string | undefined): void => {
        timer.cancel();
        socket.destroy();
        if (reason !== undefined) return reject(new Error(reason));
        try {
          resolve(rowsOf(Buffer.concat(chunks).subarray(HEAD_BYTES)));
        } catch (error) {
          reject(new Error(reasonOf(error)));
        }
      };
      const timer = clock.after(timeout, () => finish(`the core did not answer within ${timeout / 1000} s`));
      socket.on("connect", () => socket.write(`${query}\nOutputFormat: json\nResponseHeader: fixed16\n\n`));
      socket.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
        length += chunk.length;
        if (!head && length >= HEAD_BYTES) {
          head = parseHead(Buffer.concat(chunks));
          if (!head) return finish("the core answers something else than Livestatus");
          if (head.code !== 200) return finish(`the core answered ${head.code}`);
          if (head.length > MAX_ANSWER) return finish(`the core's answer has more than ${MAX_ANSWER} bytes`);
        }
        if (head && length >= HEAD_BYTES + head.length) finish(undefined);
      });
      socket.on("error", (error) => finish(reasonOf(error)));
      socket.on("end", () => finish("the core ended the connection"));
      socket.on("close", () => finish("the core ended the connection"));
    });
}

function rowsOf(body: Buffer): unknown[][] {
  const rows: unknown = JSON.parse(body.toString("utf8"));
  if (!Array.isArray(rows) || !rows.every(Array.isArray)) throw new Error("the core's answer is no table");
  return rows as unknown[][];
}
