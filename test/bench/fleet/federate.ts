/** A thousand sites behind one hub, and queries over all of them. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LivestatusConnection } from "../../lab/livestatus.ts";
import { freePort } from "../peers/peer.ts";
import { processorMs, residentMebibytes } from "../procfs.ts";
import { PROBLEMS, PROBLEMS_OF_A_SITE } from "./core.ts";

/** What this needs of a benchmark's scope: processes that end with it. */
export interface Processes {
  readonly folder: string;
  start(words: readonly string[]): { readonly pid: number; readonly firstLine: Promise<string> };
}

export interface Federated {
  /** ms of a query. */
  median: number;
  p99: number;
  /** ms of the hub's processor time for a query. */
  cpu: number;
  /** MiB, the highest seen. */
  memory: number;
}

export interface Plan {
  sites: number;
  /** How many sites each process plays. */
  perProcess: number;
  queries: number;
  /** Port of a web interface, if it is to have one. */
  web?: number;
}

const ROOT = join(import.meta.dir, "../../..");
export const TENANTS = 10;

export interface Fleet {
  hub: number;
  /** The hub's sockets: Livestatus of all sites, and of the administrator. */
  livestatus: string;
  admin: string;
  /** Its folder of what lasts. */
  state: string;
  /** The processes that play sites, each with how many. */
  parts: readonly { pid: number; count: number }[];
}

/** A hub, and sites that are all connected. */
export async function startFleet(
  processes: Processes,
  plan: Pick<Plan, "sites" | "perProcess" | "web">,
): Promise<Fleet> {
  const folder = join(processes.folder, "fleet");
  const [state, run] = [join(folder, "state"), join(folder, "run")];
  for (const path of [folder, state, run]) mkdirSync(path, { mode: 0o700 });
  const port = await freePort();
  const file = join(folder, "hub.toml");
  const limits = ["[limits]", "handshakes_per_address = 100000", "handshakes = 100000", "hold_seconds = 0"];
  const config = [
    `url = "wss://127.0.0.1:${port}"`,
    "[listen]",
    'address = "127.0.0.1"',
    `port = ${port}`,
    ...limits,
    ...(plan.web === undefined ? [] : ["[web]", `port = ${plan.web}`]),
  ];
  writeFileSync(file, `${config.join("\n")}\n[endpoints]\npool = "127.130.0.0/16"\n[log]\nlevel = "error"\n`);
  const own = ["--config", file, "--state-dir", state, "--run-dir", run];
  const hub = processes.start([process.execPath, join(ROOT, "hub/main.ts"), "serve", ...own]);
  const admin = join(run, "admin.sock");
  await eventually(async () => (await fetch("http://hub/status", { unix: admin })).ok);
  for (let tenant = 0; tenant < TENANTS; tenant++) {
    await fetch("http://hub/tenants", {
      method: "POST",
      unix: admin,
      body: JSON.stringify({ name: `t${tenant}` }),
    });
  }
  const parts: { pid: number; count: number }[] = [];
  for (let from = 0; from < plan.sites; from += plan.perProcess) {
    const count = Math.min(plan.perProcess, plan.sites - from);
    const tenant = `t${parts.length % TENANTS}`;
    const fleet = processes.start([
      process.execPath,
      join(import.meta.dir, "main.ts"),
      admin,
      tenant,
      String(from),
      String(count),
    ]);
    parts.push({ pid: fleet.pid, count });
    await fleet.firstLine;
  }
  return { hub: hub.pid, livestatus: join(run, "livestatus.sock"), admin, state, parts };
}

/** Sites connected: all, and then two thirds of them, while the others are still known. */
export async function federate(
  processes: Processes,
  plan: Plan,
): Promise<{ all: Federated; twoThirds: Federated }> {
  const { hub, livestatus, admin, parts } = await startFleet(processes, plan);
  const all = await measure(livestatus, hub, plan.queries, plan.sites);
  const gone = parts.slice(-Math.floor(parts.length / 3));
  for (const { pid } of gone) process.kill(pid, "SIGKILL");
  const left = parts.slice(0, -gone.length).reduce((sum, { count }) => sum + count, 0);
  await eventually(async () => {
    const { hub: told } = (await (await fetch("http://hub/status", { unix: admin })).json()) as {
      hub: { connected: number };
    };
    return told.connected === left;
  });
  const twoThirds = await measure(livestatus, hub, plan.queries, left);
  return { all, twoThirds };
}

async function measure(socket: string, hub: number, queries: number, sites: number): Promise<Federated> {
  const connection = new LivestatusConnection({ unix: socket }, { timeoutMs: 60_000 });
  const request = `${PROBLEMS}\nOutputFormat: wrapped_json\nResponseHeader: fixed16\nKeepAlive: on\n\n`;
  const ask = async () => {
    connection.send(request);
    const { body } = await connection.response();
    return body;
  };
  const { data } = JSON.parse((await ask()).toString()) as { data: unknown[] };
  if (data.length !== sites * PROBLEMS_OF_A_SITE) throw new Error(`${data.length} rows of ${sites} sites`);
  const times: number[] = [];
  let memory = 0;
  const before = processorMs(hub);
  for (let count = 0; count < queries; count++) {
    const from = performance.now();
    await ask();
    times.push(performance.now() - from);
    memory = Math.max(memory, residentMebibytes(hub));
  }
  const cpu = (processorMs(hub) - before) / queries;
  connection.close();
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(share * times.length))] ?? 0;
  return { median: at(0.5), p99: at(0.99), cpu, memory };
}

async function eventually(met: () => Promise<boolean>): Promise<void> {
  for (const limit = performance.now() + 60_000; performance.now() < limit; await Bun.sleep(50)) {
    if (await met().catch(() => false)) return;
  }
  throw new Error("it took too long");
}
