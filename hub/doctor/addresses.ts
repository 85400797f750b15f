/** Addresses of this host and of the central side: whether they can be had, or reached, now. */
import { createServer } from "node:net";
import type { Clock } from "../../common/clock.ts";
import { type CentralLine, dialTarget } from "../central/index.ts";
import { parsePool } from "../registry/index.ts";
import { type Finding, ok, skipped, warning, wrong } from "./finding.ts";
import { WHO_LISTENS } from "./running.ts";

/** ms for a target of the central side. */
const PATIENCE = 3_000;

/** Listens and stops again; undefined when that worked, else why not. */
export function tryListen(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

/** Whether the hub could listen for agents: for when it does not run. */
export async function listenerFinding(address: string, port: number, listen = tryListen): Promise<Finding> {
  const reason = await listen(address, port);
  if (reason === undefined) return ok("listener", `${address} port ${port} is free`);
  const advice = reason === "EACCES" ? "Ports under 1024 need CAP_NET_BIND_SERVICE." : WHO_LISTENS;
  return wrong("listener", "E_LISTEN", `${address} port ${port}: ${reason}`, advice);
}

/** Part of the pool that may be given away before it is told. */
const NEARLY = 0.9;

/** Whether addresses of the pool are this host's, tried at the last one, with any port; and how many are left. */
export async function poolFinding(pool: string, sites: number, listen = tryListen): Promise<Finding> {
  const { size, address } = parsePool(pool);
  const last = address(size);
  const reason = await listen(last, 0);
  if (reason !== undefined) {
    const advice =
      `Give this host the pool's addresses: ip route add local ${pool} dev lo. Those of 127.0.0.0/8 are every ` +
      "Linux host's.";
    return wrong("pool", "E_LISTEN", `${last} of the pool ${pool} cannot be listened on: ${reason}`, advice);
  }
  const figures = { size, sites };
  const says = `${pool}: ${sites} of ${size} addresses are given`;
  if (sites < size * NEARLY) return ok("pool", says, { figures });
  return warning("pool", says, { do: "Set a larger pool whose first addresses are the same.", figures });
}

/** Whether each target of the central side takes connections. */
export function centralFindings(
  lines: Readonly<Record<string, CentralLine>>,
  clock: Clock,
): Promise<Finding[]> {
  return Promise.all(Object.entries(lines).map(([name, line]) => centralFinding(name, line, clock)));
}

async function centralFinding(name: string, { target }: CentralLine, clock: Clock): Promise<Finding> {
  const { text, address } = target;
  const what = `${name} at ${text}`;
  if (address.kind === "udp") return skipped("central", `${what}: datagrams are not answered`);
  const reason = await reach(address, clock);
  if (reason === undefined) return ok("central", `${what} takes connections`);
  const advice = `See whether it runs, and whether [central.${name}] of hub.toml has the right target.`;
  return wrong("central", "E_TARGET_UNREACHABLE", `${what}: ${reason}`, advice);
}

/** Connects, from this host's own address, and hangs up. */
function reach(address: Parameters<typeof dialTarget>[0], clock: Clock): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = dialTarget(address, undefined);
    const finish = (reason: string | undefined): void => {
      timer.cancel();
      resolve(reason);
      socket.destroy();
    };
    const timer = clock.after(PATIENCE, () => finish("no answer"));
    socket.on("error", (error: NodeJS.ErrnoException) => finish(error.code ?? error.message));
    socket.once("connect", () => finish(undefined));
  });
}
