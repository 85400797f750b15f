/**
 * What status dumps cost: `npm run bench:dumps`. A core of 300 hosts and 3,000 services, of which 1 % change, an agent and
 * a hub, and the line between them counted. Beside it an agent that has nothing to send: what the line itself costs.
 */
import { rmSync } from "node:fs";
import { createServer, connect as dialTcp } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { coreReader } from "../../agent/outbox/dumps/core.ts";
import { DumpSource } from "../../agent/outbox/dumps/index.ts";
import { Lane } from "../../agent/outbox/lane/index.ts";
import { FakeClock } from "../../common/clock.ts";
import { systemDisk } from "../../common/disk.ts";
import { MemoryLog } from "../../common/log.ts";
import { KeyPair } from "../../common/noise/index.ts";
import { itemMessage, Sealer } from "../../common/outbox/index.ts";
import { systemRandom as random } from "../../common/random.ts";
import { FarsiteLab, until } from "../lab/farsite.ts";
import { makeHosts } from "../lab/icinga-objects.ts";

const HOSTS = 300;
const SERVICES_PER_HOST = 10;
/** One of so many services changes: 1 %. */
const EVERY = 100;
/** Seconds between two dumps, and for which bytes are counted. */
const INTERVAL = 60;

const lab = new FarsiteLab();
const hosts = makeHosts("remote", HOSTS, SERVICES_PER_HOST);
let changes = false;

/** The core's tables. What changes is of all kinds. */
function table(name: string): unknown[][] {
  if (name === "hosts") {
    return hosts.map(({ name, state, output, perfData, alias, address }) => [
      name,
      state,
      output,
      "",
      perfData,
      alias,
      address,
    ]);
  }
  const services = hosts.flatMap(({ name: host, services }) =>
    services.map((service) => ({ host, ...service })),
  );
  return services.map(({ host, description, state, output, perfData }, at) => {
    const other = changes && at % EVERY === Math.floor(at / EVERY) % SERVICES_PER_HOST;
    const text = other ? output.replace(/\d+/g, (number) => String(Number(number) + 1 + (at % 7))) : output;
    return [host, description, other ? (state + 1) % 4 : state, text, "", perfData];
  });
}

/** Bytes of the outbox's stream that a dump is: everything, what has changed, and nothing. */
async function streamBytes(): Promise<number[]> {
  const clock = new FakeClock();
  const log = new MemoryLog();
  const directory = join(lab.folder, "lane");
  const source = new DumpSource({
    reader: coreReader(async (query) => table(/^GET (\w+)/.exec(query)?.[1] ?? "")),
    interval: 1_000,
    everything: 3_600_000,
    clock,
    random,
    log,
  });
  const hub = KeyPair.identity(random);
  const sealer = new Sealer(() => hub.publicKey.bytes, random);
  const limits = { items: 1, bytes: 1 << 26, age: Number.POSITIVE_INFINITY };
  const lane = await Lane.open({
    name: "status",
    disk: systemDisk,
    directory,
    sealer,
    limits,
    full: "oldest",
    source,
    clock,
    random,
    log,
  });
  const sizes: number[] = [];
  source.start(lane);
  while (sizes.length < 3) {
    await until("a dump", () => lane.length > 0);
    const front = lane.front;
    const entry = front?.queue.first;
    const item = entry && (await front.queue.read(entry));
    if (!front || !entry || !item) throw new Error("there is no dump");
    const { key, kind, time } = item.meta;
    sizes.push(itemMessage({ number: entry.number, key, kind, time }, item.body).length);
    lane.acknowledge(front, entry.number);
    await until("it to have landed", () => lane.length === 0);
    // and in the last one nothing has
    changes = true;
    clock.advance(1_000);
  }
  await source.stop();
  await lane.close();
  changes = false;
  rmSync(directory, { recursive: true });
  return sizes;
}

/** Counts what goes to the hub's port and back. */
async function counter(port: number): Promise<{ port: number; bytes: { up: number; down: number } }> {
  const bytes = { up: 0, down: 0 };
  const server = createServer((near) => {
    const far = dialTcp(port, "127.0.0.1");
    near.on("data", (chunk: Buffer) => {
      bytes.up += chunk.length;
      far.write(chunk);
    });
    far.on("data", (chunk: Buffer) => {
      bytes.down += chunk.length;
      near.write(chunk);
    });
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.on("error", () => {}).on("close", () => other.destroy());
    }
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  lab.cleanup.add("close the counter", () => void server.close());
  return { port: (server.address() as { port: number }).port, bytes };
}

async function core(): Promise<string> {
  const path = join(lab.folder, "live");
  const server = createServer((socket) => {
    let asked = "";
    socket.setEncoding("utf8").on("error", () => {});
    socket.on("data", (text: string) => {
      asked += text;
      if (!asked.endsWith("\n\n")) return;
      const body = JSON.stringify(table(/^GET (\w+)/.exec(asked)?.[1] ?? ""));
      socket.write(`200 ${String(Buffer.byteLength(body)).padStart(11)}\n${body}`);
    });
  });
  await new Promise<void>((done) => server.listen(path, done));
  lab.cleanup.add("close the core", () => void server.close());
  return path;
}

try {
  const [whole = 0, changed = 0, nothing = 0] = await streamBytes();
  const central = join(lab.folder, "central");
  const sink = createServer((socket) => {
    socket
      .on("error", () => {})
      .on("data", (chunk) => {
        if (String(chunk).includes("GET status")) socket.write(`200 ${"5".padStart(11)}\n[[1]]`);
      });
  });
  await new Promise<void>((done) => sink.listen(central, done));
  lab.cleanup.add("close the central core", () => void sink.close());
  const hub = await lab.startHub({
    dumps: {
      host_prefix: { acme: "" },
      sinks: { central: { kind: "livestatus", livestatus: `unix:${central}` } },
    },
  });
  const [busy, idle] = [await counter(hub.port), await counter(hub.port)];
  const url = (port: number) => ({ hub: { urls: [hub.url.replace(String(hub.port), String(port))] } });
  const dumps = { livestatus: `unix:${await core()}`, interval_seconds: INTERVAL };
  await lab.connect(hub, "acme/idle", url(idle.port));
  const agent = await lab.connect(hub, "acme/busy", { ...url(busy.port), dumps });
  const landed = async () => (await agent.status()).outbox[0]?.landed ?? 0;
  /** What the busy line carried beyond the idle one, up and down, until so many dumps had landed and their time was over. */
  const window = async (): Promise<{ up: number; down: number; idle: number }> => {
    const before = { busy: { ...busy.bytes }, idle: { ...idle.bytes } };
    const dumps = await landed();
    await delay(INTERVAL * 1_000);
    await until("one dump to have landed", async () => (await landed()) === dumps + 1);
    const idleUp = idle.bytes.up - before.idle.up;
    return {
      up: busy.bytes.up - before.busy.up - idleUp,
      down: busy.bytes.down - before.busy.down - (idle.bytes.down - before.idle.down),
      idle: idleUp,
    };
  };
  await until("everything to have landed", async () => (await landed()) === 1);
  const first = busy.bytes.up - idle.bytes.up;
  // half an interval behind a dump
  await delay((INTERVAL * 1_000) / 2);
  changes = true;
  const change = await window();
  const quiet = await window();
  const percent = (part: number, of: number) => `${((100 * part) / of).toFixed(1)} %`;
  process.stdout.write(
    [
      `the outbox's stream, bytes to the hub: everything ${whole}, 1 % changed ${changed} (${percent(changed, whole)}), nothing changed ${nothing}`,
      `the whole line, beyond one that is idle: everything ${first}, a minute with 1 % changed ${change.up} (${percent(change.up, first)}), with nothing changed ${quiet.up}`,
      `the same from the hub: ${change.down} and ${quiet.down}; an idle line's minute to the hub: ${change.idle} and ${quiet.idle}`,
      "",
    ].join("\n"),
  );
} finally {
  await lab.end();
}
