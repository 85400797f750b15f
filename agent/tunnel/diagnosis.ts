/** A second look after a failure: one step after the other, to tell which one it was. */
import type { Clock } from "../../common/clock.ts";
import { FarsiteError } from "../../common/errors.ts";
import { addressOf, limitOf, readAnswer } from "../route/index.ts";
import { answerError, requestError } from "./failure.ts";
import type { Reach } from "./reach.ts";

/** Most ms for it: it comes on top of an attempt that has failed. */
const MOST = 5_000;

export interface DiagnosisOptions {
  reach: Reach;
  clock: Clock;
  /** ms that the attempt had. */
  timeout: number;
}

/** What stands between this host and a WebSocket at `url` now; undefined when nothing does. */
export async function diagnose(
  url: string,
  { reach, clock, timeout }: DiagnosisOptions,
): Promise<FarsiteError | undefined> {
  const limit = limitOf(clock, Math.min(MOST, timeout));
  try {
    const socket = await reach({ url, timeout: limit.timeout });
    const { host, port } = addressOf(url);
    const answer = readAnswer(
      socket,
      limit,
      (trouble) => requestError(url, trouble),
      (what) => requestError(url, new Error(`its answer is ${what}`)),
    );
    // a request without the upgrade: a hub answers 426 and keeps nothing for it
    socket.write(`GET /tunnel HTTP/1.1\r\nHost: ${host.includes(":") ? `[${host}]` : host}:${port}\r\n\r\n`);
    const { head } = await answer;
    socket.destroy();
    return head.status === 426 ? undefined : answerError(url, head.status, head.fields.get("location")?.[0]);
  } catch (error) {
    return error instanceof FarsiteError ? error : undefined;
  }
}
