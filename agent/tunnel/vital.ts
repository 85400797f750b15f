/** Whether the connector gets on, for the watchdog; and how it is, in one line. */
import type { Vital } from "../../common/watchdog.ts";
import type { ConnectorStatus } from "./status.ts";

/**
 * ms beyond what tries may take: a hub that stops may ask to be left alone for 10 minutes, a refusal for 5, and
 * a carrier in service tells its round trip every 75 s at the longest dead_seconds.
 */
const PATIENCE = 15 * 60_000;
/** Kinds of carrier, and the parts of a try that each have a timeout: connection and handshake. */
const TRIES_PER_URL = 2 * 2;

/**
 * The connector of one site: its state changes while it tries, and its round trip is measured again and again
 * while it is connected. One that does neither has lost a timer or an answer, and would never come back.
 * @param urls addresses of the hub
 * @param timeout ms for a connection, and again for its handshake
 */
export function connectorVital(
  connector: { status(): ConnectorStatus },
  { urls, timeout }: { urls: number; timeout: number },
): Vital {
  return {
    name: "connection to the hub",
    pulse: () => {
      const { state, since, carrier, rtt } = connector.status();
      return `${state} ${since} ${carrier} ${rtt}`;
    },
    within: PATIENCE + urls * TRIES_PER_URL * timeout,
  };
}

/** For `systemctl status`. */
export function statusLine({ tenant, site, state, url, carrier, error }: ConnectorStatus): string {
  const name = `${tenant}/${site}`;
  if (state === "connected") return `${name}: connected to ${url} (${carrier})`;
  return `${name}: not connected${error ? `: ${error.message} [${error.code}]` : ""}`;
}
