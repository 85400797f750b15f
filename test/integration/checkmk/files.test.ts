/** What is printed for other programs, read by those programs' own readers. */
import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import {
  type Connection,
  nagvisBackends,
  type Plan,
  sitesMk,
  spoolerMk,
  thrukPeers,
} from "../../../hub/checkmk/index.ts";
import { ensurePackages } from "../../lab/debian.ts";
import { planOf, site } from "../../unit/checkmk/rig.ts";

const READERS = ["php-cli", "libconfig-general-perl", "python3-minimal"];
const missing = await ensurePackages(READERS, {
  why: "reading what is printed for Checkmk, NagVis and Thruk",
});
const has = (name: string) => !missing.includes(name);

/** Runs a program with a text as its input, and gives the JSON that it prints. */
function read(program: string, args: string[], input: string): unknown {
  const { status, stdout, stderr } = spawnSync(program, args, { input, encoding: "utf8" });
  if (status !== 0) throw new Error(`${program} ended with ${status}: ${stderr}`);
  return JSON.parse(stdout);
}

const SITES = [
  site("acme/main", "127.64.0.1", { services: ["livestatus", "http", "notify", "broker"] }),
  site("acme/old", "127.64.0.2", { state: "disabled" }),
  site("globex/East_2", "127.64.0.3"),
];
/** Texts that would break out of a literal, or end a line, if they could. */
const HOSTILE = [
  '", "socket": ("local", None), "x": "',
  "'''\"\"\"\\",
  "\\",
  "\n})\nimport os\n",
  "{0}%s$HOME`id`\u0000\u0007\u2028\u202e",
  "\u00e4\u{1f600}",
];

function hostile(plan: Plan): Plan {
  const [first, ...rest] = plan.connections as [Connection, ...Connection[]];
  const connections = HOSTILE.map((text, index) => ({
    ...first,
    id: `site${index}`,
    alias: text,
    customer: text,
    urlPrefix: text,
    statusHost: { site: text, host: text },
    socket: { type: "unix" as const, path: text },
  }));
  return { connections: [...connections, ...rest], leftOut: plan.leftOut };
}

describe.skipIf(!has("python3-minimal"))("Python", () => {
  /** As Checkmk reads its own files: executes them with what they add to, and takes that. */
  const EXECUTE = [
    "import json, sys",
    "name, before = sys.argv[1], json.loads(sys.argv[2])",
    "known = {name: before}",
    "exec(compile(sys.stdin.buffer.read(), 'sites.mk', 'exec'), known, known)",
    "assert set(known) == {name, '__builtins__'}, known.keys()",
    "tupled = lambda v: {'tuple': [tupled(x) for x in v]} if isinstance(v, tuple) else [tupled(x) for x in v] if " +
      "isinstance(v, list) else {k: tupled(x) for k, x in v.items()} if isinstance(v, dict) else v",
    "print(json.dumps(tupled(known[name])))",
  ].join("\n");
  const execute = (text: string, name: string, before: unknown) =>
    read("python3", ["-I", "-c", EXECUTE, name, JSON.stringify(before)], text);

  test("adds the sites to those of sites.mk", () => {
    const text = sitesMk(planOf(SITES, { statusHost: { site: "central", host: "{tenant}-{site}" } }), {
      version: "2.4",
      replicate: true,
    });
    const local = { central: { alias: "Central" } };
    expect(execute(text, "sites", local)).toEqual({
      ...local,
      main: {
        id: "main",
        alias: "acme/main",
        socket: {
          tuple: ["tcp", { address: { tuple: ["127.64.0.1", 6557] }, tls: { tuple: ["plain_text", {}] } }],
        },
        timeout: 2,
        persist: false,
        proxy: null,
        disabled: false,
        status_host: { tuple: ["central", "acme-main"] },
        url_prefix: "",
        replication: "slave",
        multisiteurl: "http://127.64.0.1:5000/main/check_mk/",
        insecure: false,
        disable_wato: true,
        user_login: true,
        replicate_ec: true,
        replicate_mkps: true,
        message_broker_port: 5673,
        user_sync: null,
      },
      East_2: expect.objectContaining({ id: "East_2", message_broker_port: 5672 }),
    });
  });

  test("reads a literal in what is given to sites.update", () => {
    const text = sitesMk(planOf(SITES, { unix: true }), { version: "2.5", replicate: false });
    const literal = /^sites\.update\((.*)\)\n$/ms.exec(text)?.[1] ?? "";
    const script = "import ast, json, sys; print(json.dumps(ast.literal_eval(sys.stdin.read())))";
    expect(read("python3", ["-I", "-c", script], literal)).toMatchObject({
      main: { socket: ["unix", { path: "/run/farsite-hub/acme/main/livestatus.sock" }], is_trusted: false },
    });
  });

  test("takes hostile texts for nothing but texts", () => {
    const text = sitesMk(hostile(planOf(SITES)), { version: "2.5", replicate: false });
    const read = execute(text, "sites", {}) as Record<string, unknown>;
    for (const [index, said] of HOSTILE.entries()) {
      expect(read[`site${index}`]).toMatchObject({
        alias: said,
        customer: said,
        url_prefix: said,
        status_host: { tuple: [said, said] },
        socket: { tuple: ["unix", { path: said }] },
      });
    }
    expect(Object.keys(read)).toHaveLength(HOSTILE.length + 1);
  });

  test("puts the spoolers beside those that are there, however often", () => {
    const text = spoolerMk(planOf(SITES));
    const theirs = { address: "10.0.0.1", port: 6555 };
    const first = execute(text, "notification_spooler_config", { log_level: 20, outgoing: [theirs] });
    const spooler = {
      port: 6555,
      cooldown: 20,
      heartbeat_interval: 10,
      heartbeat_timeout: 3,
      encryption: "encrypted",
    };
    expect(first).toEqual({
      log_level: 20,
      outgoing: [theirs, { address: "127.64.0.1", ...spooler }, { address: "127.64.0.3", ...spooler }],
    });
    expect(execute(text, "notification_spooler_config", first)).toEqual(first);
    expect(execute(text, "notification_spooler_config", {})).toMatchObject({ outgoing: [{}, {}] });
    expect(
      execute(spoolerMk({ connections: [], leftOut: [] }), "notification_spooler_config", first),
    ).toEqual(first);
  });
});

describe.skipIf(!has("php-cli"))("PHP", () => {
  test("reads NagVis's backends", () => {
    const text = nagvisBackends(
      planOf(SITES, { siteId: "{tenant}_{site}", statusHost: { site: "central", host: "{tenant}-{site}" } }),
    );
    const script = "echo json_encode(parse_ini_string(stream_get_contents(STDIN), true));";
    const before = '; <?php return 1; ?>\n[global]\nlanguage="en_US"\n\n';
    expect(read("php", ["-r", script], before + text)).toEqual({
      global: { language: "en_US" },
      backend_acme_main: {
        backendtype: "mklivestatus",
        socket: "tcp:127.64.0.1:6557",
        statushost: "central:acme-main",
      },
      backend_globex_East_2: {
        backendtype: "mklivestatus",
        socket: "tcp:127.64.0.3:6557",
        statushost: "central:globex-East_2",
      },
    });
  });
});

describe.skipIf(!has("libconfig-general-perl"))("Perl", () => {
  const SCRIPT =
    "use Config::General; use JSON::PP; local $/; my %c = Config::General->new(-String => <STDIN>, -UTF8 => 1)->getall;" +
    " print JSON::PP->new->canonical->encode(\\%c);";

  test.each([
    [
      { unix: true },
      "/run/farsite-hub/acme/main/livestatus.sock",
      "/run/farsite-hub/globex/East_2/livestatus.sock",
    ],
    [{}, "127.64.0.1:6557", "127.64.0.3:6557"],
  ])("reads Thruk's peers: %j", (wishes, first, second) => {
    const peer = (name: string, section: string, place: string) => ({
      name,
      section,
      type: "livestatus",
      options: { peer: place },
    });
    expect(read("perl", ["-e", SCRIPT], thrukPeers(planOf(SITES, wishes)))).toEqual({
      Component: {
        "Thruk::Backend": {
          peer: [peer("acme/main", "acme", first), peer("globex/East_2", "globex", second)],
        },
      },
    });
  });
});
