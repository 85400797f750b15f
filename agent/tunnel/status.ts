/** What the connector says of itself. */

import type { ErrorCode, FarsiteError } from "../../common/errors.ts";
import type { RouteView } from "../route/index.ts";
import { type Hop, hopOf } from "./hop.ts";

export interface ConnectorStatus {
  state: "connecting" | "connected" | "waiting";
  /** ms since the epoch. */
  since: number;
  url: string;
  route: RouteView;
  tenant: string;
  site: string;
  carrier: string | undefined;
  /** Why it is not the better kind of carrier, if it is not. */
  blocked: string | undefined;
  rtt: number | undefined;
  streams: number;
  /** The first 16 hexadecimal digits of this agent's key. */
  key: string;
  hubVersion: string | undefined;
  /** This host's clock less the hub's, ms. */
  clockSkew: number | undefined;
  /** Why it is not connected. */
  error: Failure | undefined;
  /** What went wrong last, also when it is connected since. */
  lastError: (Failure & { at: number }) | undefined;
}

export interface Failure {
  code: ErrorCode;
  message: string;
  hint?: string;
  /** Where on the way it was. */
  hop?: Hop;
}

/** An error as it is shown to people and scripts. */
export function failureOf({ code, message, hint }: FarsiteError): Failure {
  const hop = hopOf(code);
  return { code, message, ...(hint !== undefined && { hint }), ...(hop && { hop }) };
}
