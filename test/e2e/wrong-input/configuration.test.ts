import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import { FarsiteLab, type Installation } from "../../lab/farsite.ts";
import { withoutPrivilege } from "../privilege.ts";
import { expectRefusal } from "../refusal.ts";
import { tokenOf } from "../token.ts";

const lab = new FarsiteLab();
afterAll(() => lab.end());

const commands: [string, string, () => Installation | Promise<Installation>][] = [
  ["farsite-hub", "serve", () => lab.makeHub()],
  ["farsite-agent", "run", () => lab.makeAgent()],
  ["farsite-agent", "services", () => lab.makeAgent()],
];

describe.each(commands)("the file of %s %s", (_, verb, make) => {
  test("is missing", async () => {
    const install = await make();
    rmSync(install.config);
    expectRefusal(
      await install.call([verb]),
      "E_CONFIG",
      `${install.config}: there is no such file`,
      "--config",
    );
  });

  test("cannot be read", async () => {
    const install = await make();
    chmodSync(install.config, 0o000);
    const finished = await install.call([verb], { through: withoutPrivilege });
    expectRefusal(finished, "E_CONFIG", `${install.config}: cannot be read`, /permission denied|EACCES/i);
  });

  test("is a directory", async () => {
    const install = await make();
    rmSync(install.config);
    mkdirSync(install.config);
    expectRefusal(await install.call([verb]), "E_CONFIG", `${install.config}: cannot be read`);
  });

  test("is not TOML", async () => {
    const install = await make();
    writeFileSync(install.config, 'url = "wss://hub.example"\n\nservices = [\n');
    expectRefusal(
      await install.call([verb]),
      "E_CONFIG",
      new RegExp(`${install.config}:[34]:\\d+: not valid TOML`),
    );
  });
});

describe("keys of hub.toml", () => {
  /** Starts a hub with this file and gives what it says. */
  async function serve(
    toml: string,
  ): Promise<{ finished: Awaited<ReturnType<Installation["call"]>>; file: string }> {
    const hub = await lab.makeHub();
    writeFileSync(hub.config, toml);
    const finished = await hub.call(["serve"]);
    expect(existsSync(hub.stateDir)).toBe(false);
    return { finished, file: hub.config };
  }

  test("everything that is wrong is said at once: file, key, found, expected", async () => {
    const { finished, file } = await serve(`
      url = "wss://hub.example/tunnel"
      prot = 443
      [listen]
      adress = "127.0.0.1"
      port = 70000
      tls = "maybe"
      [limits]
      handshakes = "many"
      handshake_seconds = 0
      [services]
      Livestatus = 6557
    `);
    expectRefusal(
      finished,
      "E_CONFIG",
      `${file}: 8 problems in the configuration`,
      'url: found "wss://hub.example/tunnel", expected wss://HOST or wss://HOST:PORT, without a path',
      "prot: unknown key; known here: url, listen",
      "listen.adress: unknown key; did you mean address?",
      "listen.port: found 70000, expected at most 65535",
      'listen.tls: found "maybe", expected one of self, files, off',
      'limits.handshakes: found "many", expected a number',
      "limits.handshake_seconds: found 0, expected at least 0.1",
      "services.Livestatus: wrong key, expected a service name",
    );
  });

  const url = 'url = "wss://hub.example"\n';
  test.each([
    ["a key that must be there", "", "url: missing, expected a string"],
    ["an unsafe URL", 'url = "ws://hub.example"', 'url: found "ws://hub.example", expected wss://'],
    [
      "a pool that is none",
      `${url}[endpoints]\npool = "10.0.0.0/31"`,
      "endpoints.pool: found",
      "127.64.0.0/16",
    ],
    [
      "a table instead of a number",
      `${url}[listen.port]\nnumber = 1`,
      "listen.port: found",
      "expected a number",
    ],
    [
      "two services at one port",
      `${url}[services]\nother = 6557`,
      "services.other: found 6557",
      "a port of its own, not that of livestatus",
    ],
    [
      "TLS from files without files",
      `${url}[listen]\ntls = "files"`,
      "listen: found",
      "both certificate and key",
    ],
    [
      "plain HTTP for everyone",
      `${url}[listen]\ntls = "off"\naddress = "0.0.0.0"`,
      "listen: found",
      "reverse proxy",
    ],
  ])("%s", async (_, toml, ...says) => {
    const { finished, file } = await serve(toml);
    expectRefusal(finished, "E_CONFIG", `${file}: one problem in the configuration`, ...says);
  });
});

describe("keys of agent.toml", () => {
  const wrong = `
    ca-file = "/etc/ssl/ca.pem"
    [services]
    livestatus = "127.0.0.1:6557"
    http = 5000
    Notify = "tcp:127.0.0.1:6555"
    [limits]
    streams = 0
  `;
  const says = [
    "5 problems in the configuration",
    "ca-file: unknown key; did you mean ca_file?",
    'services.livestatus: found "127.0.0.1:6557", expected "tcp:HOST:PORT" or "unix:/path"',
    "services.http: found 5000, expected a string",
    "services.Notify: wrong key, expected a service name",
    "limits.streams: found 0, expected at least 1",
  ];

  test.each(["run", "services"])("%s says everything that is wrong at once", async (verb) => {
    const agent = lab.makeAgent();
    writeFileSync(agent.config, wrong);
    expectRefusal(await agent.call([verb]), "E_CONFIG", agent.config, ...says);
  });

  test("enroll says it before it uses the token", async () => {
    const hub = await lab.startHub();
    const { token } = await hub.addSite("acme/main");
    const agent = lab.makeAgent();
    writeFileSync(agent.config, wrong);
    expectRefusal(await agent.enroll(token), "E_CONFIG", agent.config, ...says);
    agent.write({});
    await agent.ok("enroll", token);
    await hub.stop();
  });
});

describe("an authority's file of the agent", () => {
  test.each([
    ["is missing", () => {}, "cannot be read"],
    ["holds no certificate", (path: string) => writeFileSync(path, "hello\n"), "holds no PEM certificate"],
    [
      "cannot be read",
      (path: string) => writeFileSync(path, "-----BEGIN CERTIFICATE-----\n", { mode: 0o000 }),
      "cannot be read",
    ],
  ])("%s", async (_, make, says) => {
    const agent = lab.makeAgent();
    const file = `${agent.config}.ca`;
    make(file);
    agent.write({ ca_file: file });
    const finished = await agent.enroll(tokenOf("wss://127.0.0.1:9"), { through: withoutPrivilege });
    expectRefusal(finished, "E_CONFIG", `ca_file ${file} ${says}`);
  });
});
