import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { call, FarsiteLab, type Installation } from "../../lab/farsite.ts";
import { type Authority, makeAuthority } from "../certificates.ts";
import { withoutPrivilege } from "../privilege.ts";
import { expectRefusal } from "../refusal.ts";

const lab = new FarsiteLab();
afterAll(() => lab.end());

/** What was made once, at a first start and an enrolment. */
const installed: Record<"hub" | "agent", Installation> = await (async () => {
  const hub = await lab.startHub();
  const { token } = await hub.addSite("acme/main");
  const agent = lab.makeAgent();
  await agent.ok("enroll", token);
  await hub.stop();
  return { hub, agent };
})();

describe.each([
  ["hub", "serve", "hub.key"],
  ["agent", "run", "agent.key"],
] as const)("the key file of %s %s", (kind, verb, name) => {
  const install = installed[kind];
  const file = join(install.stateDir, name);
  const good = readFileSync(file, "utf8");
  const start = () => install.call([verb], { through: withoutPrivilege });

  afterEach(() => {
    rmSync(file, { recursive: true, force: true });
    writeFileSync(file, good, { mode: 0o600 });
  });

  test("was made for its owner's eyes only", () => {
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test("cannot be read", async () => {
    chmodSync(file, 0o000);
    expectRefusal(await start(), "E_KEY_FILE", `${file} cannot be read`, "Run as the user who owns it.");
  });

  test.each([0o640, 0o604, 0o666])("is open to others, mode %o", async (mode) => {
    chmodSync(file, mode);
    expectRefusal(await start(), "E_KEY_FILE", `${file} can be read by others`, `chmod 600 ${file}`);
  });

  test.each([
    ["is empty", ""],
    ["holds something else", "-----BEGIN PRIVATE KEY-----\n"],
    ["holds half a key", good.slice(0, 20)],
    ["holds a key and more", `${good.trim()}AAAA\n`],
  ])("%s", async (_, text) => {
    writeFileSync(file, text);
    const finished = await start();
    expectRefusal(finished, "E_KEY_FILE", `${file} does not hold a key`, "Restore it from a backup");
    if (text.trim() !== "") expect(finished.stderr).not.toContain(text.trim());
    expect(readFileSync(file, "utf8")).toBe(text);
  });

  test("is a directory", async () => {
    rmSync(file);
    mkdirSync(file, { mode: 0o700 });
    expectRefusal(await start(), "E_KEY_FILE", `${file} cannot be read`);
  });
});

describe("the agent's other state", () => {
  const { agent } = installed;
  const file = join(agent.stateDir, "hub.json");
  const good = readFileSync(file, "utf8");
  afterEach(() => writeFileSync(file, good));

  test.each(["", "{", "[]", '{"url":"wss://hub.example"}'])("is damaged: %j", async (text) => {
    writeFileSync(file, text);
    expectRefusal(await agent.call(["run"]), "E_STATE", `${file} is damaged`, "Enrol again");
  });
});

describe("the TLS files of a hub", () => {
  let authority: Authority;
  beforeAll(async () => {
    authority = await makeAuthority(lab.folder);
  });

  /** Starts a hub with these files; `spoil` may change them before. */
  async function serve(spoil: (files: { certificate: string; key: string }) => void) {
    const issued = await authority.issue(`hub${Math.random()}`);
    const files = { ...issued };
    spoil(files);
    const hub = await lab.makeHub({ listen: { tls: "files", ...files } });
    return { finished: await hub.call(["serve"], { through: withoutPrivilege }), files };
  }

  test.each(["certificate", "key"] as const)("%s is missing", async (which) => {
    const { finished, files } = await serve((files) => rmSync(files[which]));
    expectRefusal(finished, "E_CONFIG", `listen.${which} ${files[which]} cannot be read`, /no such file/i);
  });

  test.each(["certificate", "key"] as const)("%s cannot be read", async (which) => {
    const { finished, files } = await serve((files) => chmodSync(files[which], 0o000));
    expectRefusal(
      finished,
      "E_CONFIG",
      `listen.${which} ${files[which]} cannot be read`,
      /permission denied/i,
    );
  });

  test("are the wrong way round", async () => {
    const { finished, files } = await serve((files) => {
      [files.certificate, files.key] = [files.key, files.certificate];
    });
    expectRefusal(finished, "E_CONFIG", `listen.certificate ${files.certificate} holds no PEM CERTIFICATE`);
  });

  test.each(["certificate", "key"] as const)("%s is damaged", async (which) => {
    const { finished, files } = await serve((files) => {
      const pem = readFileSync(files[which], "utf8");
      writeFileSync(files[which], pem.replace(/\n.{20}/, "\nAAAAAAAAAAAAAAAAAAAA"));
    });
    expectRefusal(finished, "E_CONFIG", files[which], "not a usable certificate and key");
  });

  test("do not belong together", async () => {
    const other = await authority.issue("other");
    const { finished, files } = await serve((files) => {
      files.key = other.key;
    });
    expectRefusal(
      finished,
      "E_CONFIG",
      `listen.certificate ${files.certificate} and listen.key ${files.key}: the key does not belong to the certificate`,
    );
  });
});

describe("the folders", () => {
  /** Takes the right to write into a folder away until the test is over. */
  function writeProtect(folder: string): void {
    chmodSync(folder, 0o500);
    onTestFinished(() => chmodSync(folder, 0o700));
  }

  test.each([
    ["hub", "serve"],
    ["agent", "run"],
  ] as const)("state of %s %s is a file", async (kind, verb) => {
    const install = kind === "hub" ? await lab.makeHub() : lab.makeAgent();
    writeFileSync(install.stateDir, "");
    const code = kind === "hub" ? "E_STATE" : "E_KEY_FILE";
    expectRefusal(await install.call([verb]), code, install.stateDir);
  });

  test("the state directory cannot be written", async () => {
    const hub = await lab.makeHub();
    mkdirSync(hub.stateDir);
    writeProtect(hub.stateDir);
    const finished = await hub.call(["serve"], { through: withoutPrivilege });
    expectRefusal(finished, "E_STATE", join(hub.stateDir, "hub.key"), /permission denied/i);
  });

  test("the run directory cannot be made", async () => {
    const hub = await lab.makeHub();
    writeFileSync(hub.runDir, "");
    expectRefusal(await hub.call(["serve"]), "E_STATE", hub.runDir, "--run-dir");
    expect(existsSync(join(hub.stateDir, "hub.key"))).toBe(false);
  });

  test("a socket that another user's hub left in the run directory", async () => {
    const hub = await lab.makeHub();
    mkdirSync(hub.runDir);
    const socket = join(hub.runDir, "admin.sock");
    writeFileSync(socket, "");
    writeProtect(hub.runDir);
    const finished = await hub.call(["serve"], { through: withoutPrivilege });
    expectRefusal(finished, "E_LISTEN", `the admin socket ${socket} cannot be opened`, /permission denied/i);
  });

  test("an enrolment that cannot keep its key leaves the token unused", async () => {
    const hub = await lab.startHub();
    const { token } = await hub.addSite("acme/main");
    const agent = lab.makeAgent();
    mkdirSync(agent.stateDir);
    writeProtect(agent.stateDir);
    const finished = await agent.enroll(token, { through: withoutPrivilege });
    expectRefusal(finished, "E_STATE", `${agent.stateDir}/`, "cannot be written", /permission denied/i);
    chmodSync(agent.stateDir, 0o700);
    await agent.ok("enroll", token);
    await hub.stop();
  });

  test("an enrolment that cannot write its configuration leaves the token unused", async () => {
    const hub = await lab.startHub();
    const { token } = await hub.addSite("acme/main");
    const agent = lab.makeAgent();
    const file = "/proc/farsite/agent.toml";
    const places = ["--config", file, "--state-dir", agent.stateDir, "--run-dir", agent.runDir];
    expectRefusal(await call("agent", ["enroll", token, ...places]), "E_CONFIG", file, "--config");
    await agent.ok("enroll", token);
    await hub.stop();
  });

  test("an enrolment without a configuration file writes one that works", async () => {
    const hub = await lab.startHub();
    const { token } = await hub.addSite("acme/main");
    const agent = lab.makeAgent();
    rmSync(agent.config);
    expect(await agent.ok("enroll", token)).toContain(`Now name this site's services in ${agent.config}`);
    expect(await agent.json("services")).toEqual([]);
    await agent.start();
    await hub.reaches("acme/main", "connected");
    await Promise.all([agent.stop(), hub.stop()]);
  });

  test("the registry is not a database", async () => {
    const hub = await lab.makeHub();
    mkdirSync(hub.stateDir, { mode: 0o700 });
    writeFileSync(join(hub.stateDir, "registry.sqlite"), "this is not a database\n".repeat(100));
    expectRefusal(await hub.call(["serve"]), "E_STATE", join(hub.stateDir, "registry.sqlite"));
  });
});
