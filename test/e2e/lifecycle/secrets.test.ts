import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { decodeToken } from "../../../common/handshake/index.ts";
import { FarsiteLab, until } from "../../lab/farsite.ts";
import { Client, placesOf } from "../client.ts";
import { manners, Target } from "../target.ts";

const lab = new FarsiteLab();
afterAll(() => lab.end());

/** Every way in which bytes may be written down. */
const spellings = (bytes: Uint8Array): Buffer[] => {
  const buffer = Buffer.from(bytes);
  const texts = [
    buffer.toString("base64").replace(/=+$/, ""),
    buffer.toString("base64url"),
    buffer.toString("hex"),
  ];
  return [
    buffer,
    ...texts.map((text) => Buffer.from(text)),
    Buffer.from(buffer.toString("hex").toUpperCase()),
  ];
};

// a life with everything that is logged: at the finest level, with failures, a used token and a revoked key
const hub = await lab.startHub({ log: { level: "debug" } });
const target = await Target.start(manners.echo, lab.cleanup);
const settings = { services: { notify: target.name }, log: { level: "debug" as const } };
const { token } = await hub.addSite("acme/main");
const agent = lab.makeAgent(settings);
// not as an argument: those are for everyone on the host to see
const enrolled = await agent.call(["enroll", "-"], { stdin: token });
const said = [enrolled, await lab.makeAgent().call(["enroll", "-"], { stdin: token })];
await agent.start();
await hub.reaches("acme/main", "connected");
const places = placesOf(await hub.endpoint("acme/main", "notify"));

const secretOf = (file: string) => Buffer.from(readFileSync(file, "utf8"), "base64");
const pemBody = readFileSync(join(hub.stateDir, "tls-key.pem"), "utf8").split("\n")[1] ?? "";
const secrets: Record<string, Buffer[]> = {
  "the token's secret": spellings(decodeToken(token).secret),
  "the hub's key": spellings(secretOf(join(hub.stateDir, "hub.key"))),
  "the agent's key": spellings(secretOf(join(agent.stateDir, "agent.key"))),
  "the TLS key": [Buffer.from(pemBody)],
  // its last part holds nothing but the secret and the checksum
  "the token": [Buffer.from(token.slice(-40))],
};

/** The secrets that a text or file gives away. */
function leaksIn(text: string | Buffer): string[] {
  const bytes = Buffer.from(text);
  return Object.entries(secrets)
    .filter(([, forms]) => forms.some((form) => bytes.includes(form)))
    .map(([name]) => name);
}

describe("secrets", () => {
  test("would be found where they are", () => {
    for (const forms of Object.values(secrets))
      for (const form of forms) expect(form.length).toBeGreaterThan(30);
    expect(leaksIn(readFileSync(join(hub.stateDir, "hub.key")))).toEqual(["the hub's key"]);
    expect(leaksIn(readFileSync(join(agent.stateDir, "agent.key")))).toEqual(["the agent's key"]);
    expect(leaksIn(readFileSync(join(hub.stateDir, "tls-key.pem")))).toEqual(["the TLS key"]);
    expect(leaksIn(`farsite-agent enroll ${token}`)).toEqual(["the token"]);
  });

  test("are in no process list", () => {
    for (const install of [hub, agent]) {
      const pid = install.process.pid ?? 0;
      const list = readFileSync(`/proc/${pid}/cmdline`);
      expect(list.includes("main.ts")).toBe(true);
      expect(leaksIn(list)).toEqual([]);
      expect(leaksIn(readFileSync(`/proc/${pid}/environ`))).toEqual([]);
    }
  });

  test("are not kept where they need not be", () => {
    const kept = (folder: string) =>
      readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .flatMap((entry) =>
          leaksIn(readFileSync(join(entry.parentPath, entry.name))).map((leak) => `${entry.name}: ${leak}`),
        )
        .sort();
    expect(kept(hub.stateDir)).toEqual(["hub.key: the hub's key", "tls-key.pem: the TLS key"]);
    expect(kept(agent.stateDir)).toEqual(["agent.key: the agent's key"]);
  });

  test("are shown by no command", async () => {
    const shown = await Promise.all([
      hub.ok("status"),
      hub.ok("status", "--json"),
      hub.ok("endpoints"),
      hub.ok("site", "show", "acme/main"),
      hub.ok("site", "show", "acme/main", "--json"),
      agent.ok("status"),
      agent.ok("status", "--json"),
      agent.ok("detect"),
      agent.ok("detect", "--json"),
    ]);
    for (const finished of said) shown.push(finished.stdout, finished.stderr);
    expect(said.map((finished) => finished.code)).toEqual([0, 1]);
    for (const text of shown) expect(leaksIn(text)).toEqual([]);
  });

  test("are in no log", async () => {
    const client = await Client.to(places.tcp).send("GET hosts\n");
    await client.end().all();
    await hub.ok("site", "revoke", "acme/main");
    await agent.complains("E_KEY_REVOKED");
    await Promise.all([agent.stop(), hub.stop()]);
    await until("the last lines", () => hub.process.output.includes("hub stops"));
    for (const { process } of [hub, agent]) {
      expect(process.output.split("\n").length).toBeGreaterThan(3);
      expect(leaksIn(process.output)).toEqual([]);
      // nor what was asked through the tunnel
      expect(process.output).not.toContain("GET hosts");
    }
  });
});
