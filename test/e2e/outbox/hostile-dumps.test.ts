/**
 * Status dumps of sites that want to reach more than their own hosts in the central cores: a core, a program and an
 * agent, each hostile, between states that must arrive. As whole programs.
 */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CMCDUMP } from "../../lab/checkmk-dumps.ts";
import { FarsiteLab, type TestAgent, type TestHub, until } from "../../lab/farsite.ts";
import { type RawAgent, startRawAgent, type Verdict } from "../../lab/raw-agent.ts";

const lab = new FarsiteLab();
const folder = (name: string): string => {
  const path = join(lab.folder, name);
  mkdirSync(path, { recursive: true });
  return path;
};

const SMUGGLED = "COMMAND [1795634631] SHUTDOWN_PROGRAM";
const NAMES = [
  `a\n\n${SMUGGLED}\n`,
  "[1795634631] SHUTDOWN_PROGRAM",
  "a;b",
  "../../globex/x",
  "/etc/passwd",
  "a\0",
  "\u202ea",
  "*",
  "x".repeat(256),
];
/** More than a dump has room for. */
const ENDLESS = "y".repeat(3 << 20);

/** A core that answers everything with these rows, by table, and keeps all that it was sent. */
async function listen(
  name: string,
  tables: Record<string, unknown[][]>,
): Promise<{ path: string; heard: () => string }> {
  const path = join(lab.folder, name);
  let heard = "";
  const server = createServer((socket) => {
    let asked = "";
    socket.setEncoding("utf8").on("error", () => {});
    socket.on("data", (text: string) => {
      heard += text;
      asked += text;
      const [, table = ""] = /(?:^|\n)GET (\w+)\n(?:.+\n)*\n$/.exec(asked) ?? [];
      if (table === "") return;
      const body = JSON.stringify(tables[table] ?? [[1]]);
      socket.write(`200 ${String(Buffer.byteLength(body)).padStart(11)}\n${body}`);
    });
  });
  await new Promise<void>((done) => server.listen(path, done));
  lab.cleanup.add(`close ${name}`, () => void server.close());
  return { path, heard: () => heard };
}

let hub: TestHub;
let agent: TestAgent;
let raw: RawAgent;
let central: { path: string; heard: () => string };
let cmc: { path: string; heard: () => string };
const [results, objects] = [folder("checkresults"), folder("objects")];
let reaped = "";

/** What Nagios does: takes each file that is whole. */
function reap(): string {
  for (const name of readdirSync(results).filter((each) => /^c\w{6}$/.test(each))) {
    if (!existsSync(join(results, `${name}.ok`))) continue;
    reaped += readFileSync(join(results, name), "utf8");
    for (const each of [name, `${name}.ok`]) rmSync(join(results, each));
  }
  return reaped;
}

const wholly = (text: string, what: RegExp): string[] =>
  [...new Set([...text.matchAll(what)].map(([, name = ""]) => name))].toSorted();

beforeAll(async () => {
  central = await listen("central", {});
  cmc = await listen("cmc", {});
  const core = await listen("core", {
    hosts: [
      ...[...NAMES, ENDLESS].map((name) => [name, 0, "up", "", "", name, "::1"]),
      ["web", 0, `up\n\n${SMUGGLED}\n`, `long\n\n${SMUGGLED}\n`, `v=1\n\n${SMUGGLED}\n`, SMUGGLED, "x\n}\n"],
      ["gx-server", 1, "down", "", "", "", ""],
    ],
    services: [
      ...[...NAMES.filter((name) => !/^[/.[*]/.test(name)), ENDLESS].map((name) => [
        "web",
        name,
        0,
        "ok",
        "",
        "",
      ]),
      ["web", "Load", 2, "crit", "", ""],
      ["web", "a,b", 0, "ok", "", ""],
    ],
  });
  hub = await lab.startHub({
    dumps: {
      host_prefix: { acme: "acme-", globex: "gx-" },
      sinks: {
        central: { kind: "livestatus", livestatus: `unix:${central.path}` },
        cmc: { kind: "shadow-states", livestatus: `unix:${cmc.path}` },
        nagios: {
          kind: "check-results",
          folder: results,
          objects,
          reload: ["true"],
          reload_seconds: 1,
        },
      },
    },
  });
  const program = (text: string): string => {
    const path = join(lab.folder, `program${Math.random()}`);
    writeFileSync(path, `#!/bin/sh\n${text}`);
    chmodSync(path, 0o700);
    return path;
  };
  const printed = join(lab.folder, "cmcdump");
  const lines = [
    SMUGGLED,
    "GET hosts",
    "COMMAND [1795634631] UPDATE_SHADOW_HOST_STATE;a,b;0",
    "COMMAND [1795634631] UPDATE_SHADOW_HOST_STATE;../x;0",
    `COMMAND [1795634631] UPDATE_SHADOW_HOST_STATE;${ENDLESS};0`,
    "COMMAND [1795634631] UPDATE_SHADOW_HOST_STATE;nul;0;\0",
  ];
  writeFileSync(printed, `${lines.join("\n\n")}\n\n${CMCDUMP}`);
  const dumps = { interval_seconds: 1 };
  agent = lab.makeAgent({
    sites: {
      core: { push_only: true, dumps: { ...dumps, livestatus: `unix:${core.path}` } },
      shadow: { dumps: { ...dumps, source: "cmcdump", command: ["cat", printed] } },
      huge: {
        dumps: { ...dumps, source: "livedump", command: [program("exec head --bytes=1G /dev/zero")] },
      },
    },
  });
  for (const name of ["core", "shadow", "huge"]) {
    await agent.ok("enroll", (await hub.addSite(`acme/${name}`)).token, "--name", name);
  }
  await agent.start();
  raw = await startRawAgent("acme", "evil", (await hub.addSite("acme/evil")).token);
});
afterAll(async () => {
  raw?.stop();
  await lab.end();
});

test("of a core that lies only what are hosts of its own lands, each text on one line", async () => {
  await until("its states to be in both cores", () =>
    [central.heard(), reap()].every((text) => text.includes("acme-gx-server") && text.includes("Load")),
  );
  expect(wholly(reap(), /^host_name=(.*)$/gm)).toEqual(["acme-gx-server", "acme-web"]);
  expect(wholly(reap(), /^service_description=(.*)$/gm)).toEqual(["Load", "a,b"]);
  expect(reap()).not.toMatch(/^COMMAND/m);
  const file = readFileSync(join(objects, "farsite-acme.core.cfg"), "utf8");
  expect(file).toContain("  host_name acme-web\n");
  expect(file).not.toMatch(/^(?!define |\}$|# |$| {2}\w)|passwd/m);
  expect(readdirSync(objects).filter((name) => !/^\.?farsite-[\w.]+$/.test(name))).toEqual([]);
  // both sides say what is missing, in bounds
  await until(
    "the agent to hear of it",
    async () => (await agent.status("core")).outbox[0]?.note !== undefined,
  );
  const { dumps, outbox } = await agent.status("core");
  expect(dumps).toMatchObject({
    refused: 4,
    refusal: "a name has more than 255 characters",
  });
  expect(outbox[0]?.note).toMatch(/^refused: a host cannot be called /);
  const [box] = (await hub.site("acme/core")).inbox;
  expect(box).toMatchObject({ refused: 0, note: expect.stringMatching(/more$/) });
  expect(box?.sinks.find(({ sink }) => sink === "nagios")?.note).toBe(
    'left out, since Nagios takes no such name: "acme-web/a,b"',
  );
});

test("a program that prints without end is ended and said, and one that is not cmcdump all along counts for its part", async () => {
  await until("the first to be said", async () =>
    /printed more than \d+ bytes/.test((await agent.status("huge")).dumps?.problem ?? ""),
  );
  await until("the other's states to be there", () => cmc.heard().includes("CPU load"));
  expect(wholly(cmc.heard(), /^COMMAND \[\d{10}\] UPDATE_SHADOW_HOST_STATE;([^;\n]*);/gm)).toEqual([
    "acme-web",
  ]);
  expect((await agent.status("shadow")).dumps).toMatchObject({ refused: 3 });
  expect((await hub.site("acme/shadow")).inbox[0]?.note).toMatch(/"a,b".*"\.\.\/x".*more than one line/);
});

test("what an agent sends that is none is refused for itself, with a reason, and the rest lands", async () => {
  const dump = (changes: object): Buffer =>
    Buffer.from(
      JSON.stringify({
        version: 1,
        reset: true,
        complete: true,
        hosts: [],
        services: [],
        gone: [],
        ...changes,
      }),
    );
  const host = (name: string, output = "up") => [name, 0, output, "", "", "", ""];
  const hostile = [
    { kind: "dump", body: Buffer.from("[".repeat(1 << 20)) },
    { kind: "dump", body: Buffer.alloc(64 << 20) },
    { kind: "dump", body: Buffer.from("no seal"), sealed: false },
    { kind: "command", body: dump({}) },
    { kind: "dump", body: dump({ hosts: Array.from({ length: 20_001 }, (_, at) => host(`h${at}`)) }) },
    { kind: "dump", body: dump({ hosts: [["web", 0, ["up"], "", "", "", ""]] }) },
    { kind: "dump", body: dump({ hosts: [["web", 1e9, "up", "", "", "", ""]] }) },
  ];
  const good = {
    kind: "dump",
    body: dump({
      hosts: [...NAMES.map((name) => host(name)), host("smuggler", `up\n\n${SMUGGLED}\n`), host("honest")],
      services: [
        ["honest", `Load\n\n${SMUGGLED}\n`, 0, "ok", "", ""],
        ["honest", "Load", 0, "ok", "", `v\n\n${SMUGGLED}`],
      ],
      gone: [["../../globex"], ["honest", "a\nb"]],
    }),
  };
  const shadow = {
    kind: "shadow",
    body: dump({
      hosts: [
        ["evil", `0\n\n${SMUGGLED}\n`],
        ["shade", "0;up"],
      ],
    }),
  };
  const verdicts = await raw.send("status", [...hostile, good, shadow]);
  const refused = ({ refused }: Verdict) => refused !== undefined;
  expect(verdicts.map(refused)).toEqual([...hostile.map(() => true), false, false]);
  expect(verdicts.at(-1)?.note).toContain("refused: ");
  await until(
    "what is good to land",
    () =>
      [central.heard(), reap()].every((text) => text.includes("acme-honest")) &&
      cmc.heard().includes("acme-shade"),
  );
  expect(wholly(reap(), /^host_name=(.*)$/gm)).toEqual(["acme-gx-server", "acme-honest", "acme-web"]);
  // many refusals do not fill the audit
  await raw.send(
    "status",
    Array.from({ length: 100 }, (_, at) => ({ kind: `k${at}`, body: dump({}) })),
  );
  const audit = (await hub.ok("audit", "--limit", "1000"))
    .split("\n")
    .filter((line) => line.includes("inbox.refuse"));
  expect(audit.length).toBeGreaterThan(0);
  expect(audit.filter((line) => line.includes("acme/evil")).length).toBeLessThan(60);
});

test("nothing came to the central cores but the commands they are meant to get, each for a host of the site's", () => {
  const requests = (text: string) =>
    text.split("\n\n").filter((each) => each !== "" && !each.startsWith("GET status\n"));
  const names = "acme-(?:web|gx-server|honest)";
  for (const each of requests(central.heard())) {
    expect(each).toMatch(
      new RegExp(
        `^COMMAND \\[\\d{10}\\] PROCESS_(?:HOST_CHECK_RESULT;${names}|SERVICE_CHECK_RESULT;${names};(?:Load|a,b));\\d;.*$`,
      ),
    );
  }
  for (const each of requests(cmc.heard())) {
    expect(each).toMatch(
      /^COMMAND \[\d{10}\] UPDATE_SHADOW_(?:HOST_STATE;acme-(?:web|shade)|SERVICE_STATE;acme-web;CPU load);.*$/,
    );
  }
  expect(requests(central.heard()).length).toBeGreaterThan(0);
  for (const { output } of [agent.process, hub.process]) {
    expect(output).not.toMatch(/^COMMAND/m);
    expect(Math.max(...output.split("\n").map(({ length }) => length))).toBeLessThan(2_000);
  }
});

test("of a site that is removed its objects leave the core, and the audit says so", async () => {
  await hub.ok("site", "remove", "acme/core");
  await until(
    "its file to be gone, and that to be loaded",
    () =>
      !existsSync(join(objects, "farsite-acme.core.cfg")) && !existsSync(join(objects, ".farsite-changed")),
  );
  expect(existsSync(join(objects, "farsite-acme.evil.cfg"))).toBe(true);
  await until("the audit to say so", async () => {
    const audit = await hub.ok("audit", "--limit", "100");
    return [
      "sink nagios: its hosts and services are taken away",
      "sink central: 4 hosts and services are marked",
    ].every((text) => audit.includes(text));
  });
  expect(central.heard()).toMatch(
    /PROCESS_HOST_CHECK_RESULT;acme-web;2;no longer monitored: acme\/core was removed/,
  );
});
