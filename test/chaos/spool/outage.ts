/** A long outage: notifications queue up while there is no line, and all come once it is back. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { ECHO } from "../../bench/exchanges.ts";
import { type ExchangeFigures, Load, type Target } from "../../bench/load/load.ts";
import { processorMs, processTree, residentMebibytes } from "../../bench/procfs.ts";
import { Scope } from "../../bench/scope.ts";
import { type FarsiteLab, freePort, until } from "../../lab/farsite.ts";
import type { LabProcess } from "../../lab/process.ts";
import { Central } from "./central.ts";
import { writeNotification } from "./notification.ts";
import { namesIn, spoolFolders } from "./places.ts";

export interface OutageOptions {
  /** Notifications that are written during the outage. */
  outage: number;
  /**
   * Seconds that it lasts at least. After 90 it is as after an hour: the session was given up after 60, and the agent's
   * pauses between two tries have reached their longest, 30.
   */
  outageSeconds: number;
  /** Whether the agent is interpreted, as its package has it. */
  interpreted: boolean;
}

/** MiB of the agent: resident, and what is in use of its heap. */
interface Held {
  resident: number;
  heap: number;
}

/** ms there and back for somebody who asks the core 20 times a second, as the processes of a GUI do. */
type Latency = Pick<ExchangeFigures, "p50" | "p99">;

export interface OutageReport {
  written: number;
  delivered: number;
  lost: number;
  duplicated: number;
  outOfOrder: number;
  /** From the return of the line until all had landed. */
  seconds: number;
  /** Of these until the agent was connected again. */
  connectedAfter: number;
  agent: {
    /** Before the outage. */
    before: Held;
    /** The most while notifications were queued, and while they went. */
    queueing: Held;
    catchUp: Held;
    after: Held;
    /** The most beyond what it held before. */
    growth: Held;
  };
  hubGrowth: number;
  /** ms of a processor, by program and kernel, for each notification: to queue it, and to bring it over. */
  cpu: { queueing: number; agent: number; hub: number };
  idle: Latency;
  /** The same during the catch-up. */
  meanwhile: Latency;
  /** The same at the same time without the tunnel: what the machine itself adds. */
  machine: Latency;
  interpreted: boolean;
}

const SITE = "acme/main";
const SAMPLE = 50;
/** ms in which all must have arrived. */
const PATIENCE = 300_000;
/** Seconds for which latencies are measured where nothing else is going on. */
const IDLE_SECONDS = 5;
/** Seconds of a round while others go on. */
const ROUND_SECONDS = 5;
/** Seconds between two questions. */
const INTERVAL = 0.05;
/** Seconds for a round: a hundred questions one after the other, each of which may take a second on a busy machine. */
const ROUND_LIMIT_SECONDS = 120;
/** Notifications that go before anything is measured. */
const WARM = 200;
/** Notifications written a second, and at once: in an hour it would be far fewer. */
const RATE = 1_000;
const BURST = 50;

/** The line between agent and hub. */
async function startLine(
  port: number,
  lab: FarsiteLab,
): Promise<{ port: number; become(how: "cut" | "back"): Promise<void> }> {
  const program = fileURLToPath(new URL("relay.ts", import.meta.url));
  const child = spawn(process.execPath, [program, String(port)], { stdio: ["pipe", "pipe", "inherit"] });
  lab.cleanup.add("end the line", () => child.kill("SIGKILL"));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<string> => (await lines.next()).value ?? "";
  return {
    port: Number(await next()),
    become: async (how) => {
      child.stdin.write(`${how}\n`);
      if ((await next()) !== how) throw new Error("the line does not do as it is told");
    },
  };
}

class Gauge {
  readonly before: Held;
  #most: Held = { resident: 0, heap: 0 };
  readonly #timer: Timer;

  constructor(private readonly now: () => Held) {
    this.before = now();
    this.#timer = setInterval(() => this.#sample(), SAMPLE);
  }

  #sample(): void {
    const { resident, heap } = this.now();
    this.#most = {
      resident: Math.max(this.#most.resident, resident),
      heap: Math.max(this.#most.heap, heap),
    };
  }

  /** The most since the last call. */
  take(): Held {
    this.#sample();
    const most = this.#most;
    this.#most = { resident: 0, heap: 0 };
    return most;
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

export async function outage(
  { outage: count, outageSeconds, interpreted }: OutageOptions,
  lab: FarsiteLab,
  progress: (line: string) => void,
): Promise<OutageReport> {
  const scope = new Scope();
  lab.cleanup.add("end the load", () => scope.end());
  const load = await Load.build(scope);
  const { core } = await load.serve({ address: "127.0.0.1", within: [] });
  const { spool, landing } = spoolFolders(lab.folder);
  const port = await freePort();
  const line = await startLine(port, lab);
  const hub = await lab.makeHub({
    url: `wss://127.0.0.1:${line.port}`,
    listen: { port },
    notifications: { sinks: { central: { kind: "spool", folder: landing } } },
  });
  const agent = lab.makeAgent({
    notifications: { spool },
    services: { ec: `tcp:${core.host}:${core.port}` },
  });
  const heapFile = join(lab.folder, "heap.json");
  const env = {
    ...(interpreted && { BUN_JSC_useJIT: "0" }),
    BUN_OPTIONS: `--preload=${fileURLToPath(new URL("heap.ts", import.meta.url))}`,
    FARSITE_HEAP_FILE: heapFile,
  };
  await hub.start();
  const { token } = await hub.addSite(SITE);
  await agent.ok("enroll", token);
  await agent.start({ env });
  await hub.reaches(SITE, "connected");
  const { address, port: local } = await hub.endpoint(SITE, "ec");
  const target: Target = { host: address, port: Number(local), within: [] };
  const central = new Central(landing, progress);
  lab.cleanup.add("end the spooler", () => central.close());

  const ask = (seconds: number, at = target) =>
    load.exchange(at, {
      exchange: ECHO,
      connections: 1,
      seconds,
      interval: INTERVAL,
      keep: true,
      limitSeconds: ROUND_LIMIT_SECONDS,
    });
  // what is there for the first time makes room for itself
  for (let number = 1; number <= WARM; number++) writeNotification(spool, number);
  await until("the first notifications to land", () => central.delivered === WARM);
  await ask(1);
  const idle = await ask(IDLE_SECONDS);
  await until("the agent to tell of its heap", () => heapOf(heapFile) > 0);
  const gauge = new Gauge(() => ({ resident: resident(agent.process), heap: heapOf(heapFile) }));
  lab.cleanup.add("end the gauge", () => gauge.stop());
  const hubBefore = resident(hub.process);

  const cpuBefore = spentMs(agent.process);
  progress("the line is cut");
  await line.become("cut");
  const cut = performance.now();
  for (let written = 0; written < count; written++) {
    writeNotification(spool, WARM + written + 1);
    if (written % BURST === BURST - 1) await delay((BURST / RATE) * 1000);
  }
  progress(`${count} written; waiting until the agent has queued them`);
  await waitFor(PATIENCE, async () => ((await agent.status()).outbox[0]?.items ?? 0) === count);
  await delay(Math.max(0, outageSeconds * 1000 - (performance.now() - cut)));
  const queueing = gauge.take();
  const cpuQueued = { agent: spentMs(agent.process), hub: spentMs(hub.process) };

  progress("the line is back");
  await line.become("back");
  const back = performance.now();
  await waitFor(PATIENCE, async () => (await hub.site(SITE)).state === "connected");
  const connectedAfter = (performance.now() - back) / 1000;
  const { promise: over, resolve: end } = Promise.withResolvers<number>();
  let hubMost = hubBefore;
  const watching = setInterval(() => {
    hubMost = Math.max(hubMost, resident(hub.process));
    const now = performance.now();
    if (central.delivered >= WARM + count || now - back > PATIENCE) end((now - back) / 1000);
  }, SAMPLE);
  lab.cleanup.add("end the watch", () => clearInterval(watching));
  const asked: ExchangeFigures[] = [];
  let seconds: number | undefined;
  void over.then((took) => {
    seconds = took;
  });
  const direct: ExchangeFigures[] = [];
  while (seconds === undefined) {
    const [through, past] = await Promise.all([ask(ROUND_SECONDS), ask(ROUND_SECONDS, core)]);
    asked.push(through);
    direct.push(past);
  }
  clearInterval(watching);
  const cpu = {
    queueing: (cpuQueued.agent - cpuBefore) / count,
    agent: (spentMs(agent.process) - cpuQueued.agent) / count,
    hub: (spentMs(hub.process) - cpuQueued.hub) / count,
  };
  const catchUp = gauge.take();
  await waitFor(PATIENCE, () => namesIn(spool).length === 0);
  await delay(5_000);
  const after = { resident: resident(agent.process), heap: heapOf(heapFile) };
  gauge.stop();
  central.scan();
  const { before } = gauge;
  const most = (of: keyof Held) => Math.max(queueing[of], catchUp[of], after[of]) - before[of];
  return {
    written: count,
    delivered: central.delivered - WARM,
    lost: WARM + count - central.delivered,
    duplicated: central.duplicated,
    outOfOrder: central.outOfOrder,
    seconds,
    connectedAfter,
    agent: { before, queueing, catchUp, after, growth: { resident: most("resident"), heap: most("heap") } },
    hubGrowth: hubMost - hubBefore,
    cpu,
    idle: latency([idle]),
    meanwhile: latency(asked),
    machine: latency(direct),
    interpreted,
  };
}

/** Medians over rounds. */
function latency(rounds: readonly ExchangeFigures[]): Latency {
  const median = (of: keyof Latency) =>
    rounds.map((each) => each[of]).toSorted((a, b) => a - b)[rounds.length >> 1] ?? 0;
  return { p50: median("p50"), p99: median("p99") };
}

function resident({ pid }: LabProcess): number {
  return processTree(pid ?? 0)
    .map(residentMebibytes)
    .reduce((sum, next) => sum + next, 0);
}

function spentMs({ pid }: LabProcess): number {
  return processTree(pid ?? 0)
    .map(processorMs)
    .reduce((sum, next) => sum + next, 0);
}

function heapOf(file: string): number {
  try {
    const { heapSize } = JSON.parse(readFileSync(file, "utf8")) as { heapSize: number };
    return heapSize / (1 << 20);
  } catch {
    return 0;
  }
}

async function waitFor(ms: number, condition: () => boolean | Promise<boolean>): Promise<void> {
  const limit = performance.now() + ms;
  while (!(await condition())) {
    if (performance.now() > limit) throw new Error("it takes too long");
    await delay(100);
  }
}
