/**
 * Shows that the customers of a lab network are cut off from outside and from each other, by really trying.
 * Every "cannot be reached" has its controls: the listener is there and answers on its own LAN, and the
 * firewall that is to stop the try has seen and dropped it. A control that fails is an error: what it was to
 * support would be true for the wrong reason.
 */
import { fileURLToPath } from "node:url";
import { Cleanup } from "./cleanup.ts";
import {
  CUSTOMER_ADDRESS,
  CUSTOMER_GATEWAY,
  CUSTOMER_PREFIX,
  firewallOf,
  HUB_ADDRESS,
  type Network,
  ROUTER_ADDRESS,
} from "./network.ts";
import type { Outcome } from "./probe.ts";
import { launch } from "./process.ts";

export interface Check {
  check: string;
  /** Supports other checks rather than being one. */
  control: boolean;
  want: "open" | "dropped";
  /** `lost`: no answer, but the firewall that is to drop it never saw it. */
  got: "open" | "dropped" | "refused" | "unreachable" | "lost";
}

export interface Isolation {
  isolated: boolean;
  results: readonly Check[];
}

/** The check itself was no good: nothing can be said about isolation. */
export class ControlFailed extends Error {
  override readonly name = "ControlFailed";

  constructor(readonly results: readonly Check[]) {
    const failed = results
      .filter(isInvalid)
      .map((each) => `${each.check}: want ${each.want}, got ${each.got}`);
    super(`the check is not valid: ${failed.join("; ")}`);
  }
}

/** ssh, web, tunnel, agent, Livestatus. */
const PORTS = [22, 80, 443, 6556, 6557, 8080];
const ALLOWED_PORT = 443;
const FORBIDDEN_PORTS = PORTS.filter((port) => port !== ALLOWED_PORT);
const CONNECT_LIMIT_MS = 2_000;
/** An address of customer b that customer a does not have itself, so that a's packets leave for it. */
const SECOND_ADDRESS = "10.0.0.20";
const PROBE = fileURLToPath(new URL("./probe.ts", import.meta.url));

/** Some TCP connections from one place to one address. */
interface Tries {
  from: string;
  to: string;
  ports: readonly number[];
  note?: string;
  /** Where they should be dropped: the tenant whose firewall sees them, from which address. Else: open. */
  dropped?: { by: string; source: string };
  control?: boolean;
}

/** Whether a TCP connection from `place` to `host`:`port` comes about within 2 s. */
export async function connects(
  network: Network,
  place: string,
  host: string,
  port: number,
): Promise<boolean> {
  return (await outcomes(network, place, [`${host}:${port}`]))[0] === "open";
}

/**
 * Nothing on the internet reaches the customer's host or the outside of its firewall, not even with a route
 * to the private prefix laid to the firewall. One check at a time on one network.
 */
export async function inboundBlocked(network: Network, tenant: string): Promise<Isolation> {
  const outside = network.outsideAddress(tenant);
  return examine(async (cleanup) => {
    const controls = await serve(network, tenant, CUSTOMER_ADDRESS, cleanup);
    layRoute(network, "internet", CUSTOMER_PREFIX, outside, cleanup);
    layRoute(network, "hub", CUSTOMER_PREFIX, ROUTER_ADDRESS, cleanup);
    network.forgetDropped(tenant);
    const tries = [CUSTOMER_ADDRESS, outside].flatMap((to): Tries[] => [
      { from: "hub", to, ports: PORTS, dropped: { by: tenant, source: HUB_ADDRESS } },
      { from: "internet", to, ports: PORTS, dropped: { by: tenant, source: network.lineAddress(tenant) } },
    ]);
    return attempt(network, [...controls, ...tries]);
  });
}

/**
 * Customer `a` reaches neither a host of customer `b` nor the outside of its firewall, although the internet
 * routes b's prefix to b and a's own firewall lets port 443 out; nor does a's firewall, which may send
 * whatever it likes. Includes what {@link onlyTunnelOut} says of `b`.
 */
export async function crossTenantBlocked(network: Network, a: string, b: string): Promise<Isolation> {
  const outside = network.outsideAddress(b);
  const source = network.outsideAddress(a);
  const inward = await examine(async (cleanup) => {
    network.ip(b, [`addr add ${SECOND_ADDRESS}/24 dev eth0`]);
    cleanup.add("take the second address away", () =>
      network.ip(b, [`addr del ${SECOND_ADDRESS}/24 dev eth0`]),
    );
    const controls = await serve(network, b, SECOND_ADDRESS, cleanup);
    layRoute(network, "internet", CUSTOMER_PREFIX, outside, cleanup);
    layRoute(network, firewallOf(a), `${SECOND_ADDRESS}/32`, network.lineAddress(a), cleanup);
    layRoute(network, a, `${SECOND_ADDRESS}/32`, CUSTOMER_GATEWAY, cleanup);
    network.forgetDropped(a);
    network.forgetDropped(b);
    const tries = [SECOND_ADDRESS, outside].flatMap((to): Tries[] => [
      { from: a, to, ports: [ALLOWED_PORT], dropped: { by: b, source } },
      { from: a, to, ports: FORBIDDEN_PORTS, dropped: { by: a, source: CUSTOMER_ADDRESS } },
      { from: firewallOf(a), to, ports: FORBIDDEN_PORTS, dropped: { by: b, source } },
    ]);
    return attempt(network, [...controls, ...tries]);
  });
  const outward = await onlyTunnelOut(network, b);
  return {
    isolated: inward.isolated && outward.isolated,
    results: [...inward.results, ...outward.results],
  };
}

/** From the customer's host, the hub can be reached on port 443 and on no other. */
export async function onlyTunnelOut(network: Network, tenant: string): Promise<Isolation> {
  return examine(async (cleanup) => {
    await listenAt(network, "hub", HUB_ADDRESS, cleanup);
    network.forgetDropped(tenant);
    const to = HUB_ADDRESS;
    return attempt(network, [
      { from: "internet", to, ports: PORTS, control: true },
      { from: tenant, to, ports: [ALLOWED_PORT] },
      { from: tenant, to, ports: FORBIDDEN_PORTS, dropped: { by: tenant, source: CUSTOMER_ADDRESS } },
    ]);
  });
}

/** Runs the checks, undoes what they set up, and judges. */
async function examine(checks: (cleanup: Cleanup) => Promise<Check[]>): Promise<Isolation> {
  const cleanup = new Cleanup();
  const results = await checks(cleanup).finally(() => cleanup.run());
  if (results.some(isInvalid)) throw new ControlFailed(results);
  return { isolated: results.every((each) => each.got === each.want), results };
}

function isInvalid(result: Check): boolean {
  return result.got === "lost" || (result.control && result.got !== result.want);
}

/** Listeners on a customer's host and on its firewall; gives the controls that they can be reached. */
async function serve(network: Network, tenant: string, address: string, cleanup: Cleanup): Promise<Tries[]> {
  const from = firewallOf(tenant);
  const outside = network.outsideAddress(tenant);
  await listenAt(network, tenant, address, cleanup);
  await listenAt(network, from, outside, cleanup);
  return [
    { from, to: address, ports: PORTS, note: " over the LAN", control: true },
    { from, to: outside, ports: PORTS, note: " on itself", control: true },
  ];
}

async function listenAt(network: Network, place: string, address: string, cleanup: Cleanup): Promise<void> {
  await launch([process.execPath, PROBE, "listen", ...PORTS.map((port) => `${address}:${port}`)], {
    label: `listener at ${address} in ${place}`,
    netns: network.namespace(place),
    ready: (child) => child.output.includes("listening"),
    cleanup,
  });
}

function layRoute(network: Network, place: string, to: string, via: string, cleanup: Cleanup): void {
  network.ip(place, [`route add ${to} via ${via}`]); // fails when it is there: another check is under way
  cleanup.add("take the route away", () => network.ip(place, [`route del ${to} via ${via}`]));
}

/** Makes all tries at once, one process for each place. */
async function attempt(network: Network, all: readonly Tries[]): Promise<Check[]> {
  const places = [...new Set(all.map((tries) => tries.from))];
  const reached = new Map<string, Outcome | undefined>();
  await Promise.all(
    places.map(async (place) => {
      const endpoints = all.filter((tries) => tries.from === place).flatMap(endpointsOf);
      const got = await outcomes(network, place, endpoints);
      endpoints.forEach((endpoint, index) => {
        reached.set(`${place} to ${endpoint}`, got[index]);
      });
    }),
  );
  return all.flatMap((tries) => {
    const { from, note = "", dropped, control = false } = tries;
    const drops = dropped === undefined ? [] : network.dropped(dropped.by);
    const seen = new Set(drops.filter((d) => d.from === dropped?.source).map((d) => `${d.to}:${d.port}`));
    return endpointsOf(tries).map((endpoint): Check => {
      const outcome = reached.get(`${from} to ${endpoint}`) ?? "silent";
      return {
        check: `${from} to ${endpoint}${note}`,
        control,
        want: dropped === undefined ? "open" : "dropped",
        got: outcome !== "silent" ? outcome : seen.has(endpoint) ? "dropped" : "lost",
      };
    });
  });
}

function endpointsOf(tries: Tries): string[] {
  return tries.ports.map((port) => `${tries.to}:${port}`);
}

async function outcomes(network: Network, place: string, endpoints: readonly string[]): Promise<Outcome[]> {
  const child = await launch([process.execPath, PROBE, "connect", String(CONNECT_LIMIT_MS), ...endpoints], {
    label: `probe in ${place}`,
    netns: network.namespace(place),
  });
  const exit = await child.exited;
  if (exit.code !== 0) throw new Error(`${child.label} failed: ${child.output.trim()}`);
  return JSON.parse(child.output) as Outcome[];
}
