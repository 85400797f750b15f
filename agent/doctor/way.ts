/** The way to one of the hub's addresses, one step after the other, up to the first that fails. */
import type { LookupAddress } from "node:dns";
import type { Clock } from "../../common/clock.ts";
import type { Random } from "../../common/random.ts";
import {
  addressOf,
  hubConnectError,
  type Limit,
  limitOf,
  type Open,
  type Route,
  type Trouble,
} from "../route/index.ts";
import type { CarrierKind } from "../tunnel/index.ts";
import { carry, eachKind, type Keys } from "./carry.ts";
import { type Finding, ok, problem } from "./finding.ts";
import { lineFindings } from "./line.ts";
import { type TlsTrust, tlsFinding } from "./tls.ts";

export interface WayOptions {
  url: string;
  route: Route;
  /** Opens connections below TLS. */
  open: Open;
  /** The scheme in which the proxy took credentials over `open` last, if it did. */
  authenticated: () => string | undefined;
  /** Resolves a name as programs of this host do. */
  lookup: (name: string) => Promise<LookupAddress[]>;
  trust: TlsTrust;
  kinds: readonly [CarrierKind, CarrierKind?];
  /** Undefined before enrolment: then it is only seen that a hub answers. */
  keys: Keys | undefined;
  clock: Clock;
  random: Random;
  /** ms for each step. */
  timeout: number;
}

/** Walks it. What is found comes as soon as it is found. */
export async function* walkWay(options: WayOptions): AsyncGenerator<Finding> {
  const { url, clock, timeout } = options;
  const limit = () => limitOf(clock, timeout);
  for (const step of [nameStep, connectionStep]) {
    for (const finding of await step(options, limit())) {
      yield finding;
      if (finding.state === "problem") return;
    }
  }
  if (url.startsWith("wss:")) {
    const finding = await tlsFinding(options, limit);
    yield finding;
    if (finding.state === "problem") return;
  }
  const { findings, line } = await eachKind(
    options.kinds,
    (kind) => carry(kind, options),
    (carried) => Array.fromAsync(lineFindings(carried, clock)),
  );
  yield* findings;
  yield* line;
}

/** Through a proxy the hub's name is the proxy's to resolve, and the proxy's own is part of the next step. */
async function nameStep({ url, route, lookup }: WayOptions): Promise<Finding[]> {
  const { host } = addressOf(url);
  if (route.kind === "proxy") return [ok("name", `${host} is resolved by the proxy`)];
  try {
    const addresses = (await lookup(host)).map(({ address }) => address);
    return [
      ok("name", addresses.includes(host) ? `${host} is an address` : `${host} is ${addresses.join(", ")}`),
    ];
  } catch (error) {
    return [problem("name", hubConnectError(url, error as Trouble, true))];
  }
}

async function connectionStep(
  { url, route, open, authenticated, clock }: WayOptions,
  limit: Limit,
): Promise<Finding[]> {
  const { host, port } = addressOf(url);
  const began = clock.now();
  try {
    (await open(url, limit)).destroy();
  } catch (error) {
    const found = problem("connection", error);
    return [
      found.hop === "proxy"
        ? { ...found, step: "proxy" }
        : found.hop === "name"
          ? { ...found, step: "name" }
          : found,
    ];
  }
  const ms = Math.round(clock.now() - began);
  if (route.kind === "direct")
    return [ok("connection", `TCP to ${host} port ${port}, directly, in ${ms} ms`, { ms })];
  const { proxy } = route;
  const scheme = authenticated();
  const login = scheme
    ? `, which takes the user and password (${scheme})`
    : proxy.login
      ? ", which asks for no password"
      : "";
  return [
    ok("proxy", `${proxy.url}, named by ${proxy.from}${login}`),
    ok("connection", `CONNECT to ${host} port ${port} through the proxy, in ${ms} ms`, { ms }),
  ];
}
