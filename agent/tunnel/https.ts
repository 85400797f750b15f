/** Dials the hub: opens carriers over plain HTTPS requests. */
import {
  CARRIER_HEADER,
  CONTENT_TYPE,
  ERROR_HEADER,
  MAX_BATCH,
  PATHS,
  WINDOW,
} from "../../common/carrier/https/index.ts";
import type { Clock } from "../../common/clock.ts";
import { FarsiteError } from "../../common/errors.ts";
import { type HttpAnswer, HttpClient, isTimeout } from "../http/index.ts";
import { silence, type Trouble } from "../route/index.ts";
import { CarrierBlocked } from "./blocked.ts";
import { answerError, requestError } from "./failure.ts";
import { HttpsCarrier } from "./https-carrier.ts";
import type { Reach } from "./reach.ts";
import type { DialCarrier } from "./websocket.ts";

/** One connection for each request that may be under way. */
const CONNECTIONS = 2 * WINDOW;

export interface HttpsOptions {
  clock: Clock;
  /** Opens the connections. */
  reach: Reach;
}

/** Dials with plain requests. */
export function httpsDialer({ clock, reach }: HttpsOptions): DialCarrier {
  return async ({ url, timeout }) => {
    const client = new HttpClient({
      open: () => reach({ url, timeout }),
      host: new URL(url).host,
      clock,
      idle: CONNECTIONS,
      mostBytes: MAX_BATCH,
    });
    try {
      const headers = { "content-type": CONTENT_TYPE };
      const answer = await client.post({ path: PATHS.open, headers, body: Buffer.alloc(0), timeout });
      return new HttpsCarrier(client, nameIn(answer, url), url, clock);
    } catch (error) {
      client.close();
      if (error instanceof FarsiteError) throw error;
      const trouble = isTimeout(error) ? silence(timeout) : (error as Trouble);
      throw new CarrierBlocked(requestError(url, trouble, "an HTTPS carrier"));
    }
  };
}

/** The new carrier's name. Throws when the answer is a refusal, or none of a hub. */
function nameIn({ status, headers }: HttpAnswer, url: string): string {
  const name = headers[CARRIER_HEADER];
  if (status === 200 && typeof name === "string" && /^[0-9a-f]{32}$/.test(name)) return name;
  const error = answerError(url, status, headers.location);
  throw headers[ERROR_HEADER] === error.code ? error : new CarrierBlocked(error);
}
