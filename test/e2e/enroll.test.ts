/** `farsite-agent enroll`, as administrators and their tools run it. */
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { FarsiteLab, until } from "../lab/farsite.ts";
import { parseLocal, parseLocalScript, type Service } from "../lab/local-check.ts";
import { expectRefusal } from "./refusal.ts";

const lab = new FarsiteLab();
afterAll(() => lab.end());
const hub = await lab.startHub();

/** As Ansible, which looks at the exit status and at `changed`. */
const outcome = ({ code, stdout }: { code: number | null; stdout: string }) => ({
  code,
  ...(JSON.parse(stdout) as Record<string, unknown>),
});

describe("the same token again", async () => {
  const { token } = await hub.addSite("acme/main");
  const agent = lab.makeAgent();

  test("enrols once, and says so without the hub's help", async () => {
    expect(outcome(await agent.call(["enroll", token, "--json"]))).toMatchObject({
      code: 0,
      changed: true,
      service: "none",
    });
    await hub.stop();
    const again = outcome(await agent.call(["enroll", token, "--json"]));
    await hub.start();
    expect(again).toMatchObject({ code: 0, changed: false, tenant: "acme", site: "main" });
  });

  test("says that it is connected, once the agent runs", async () => {
    await agent.start();
    await hub.reaches("acme/main", "connected");
    const said = await agent.ok("enroll", token);
    expect(said).toContain("Enrolled as acme/main before, with this token.");
    expect(said).toContain(`Connected to ${hub.url}`);
    expect(outcome(await agent.call(["enroll", token, "--json"]))).toMatchObject({
      code: 0,
      changed: false,
      service: "started",
      connected: true,
    });
  });

  test("exits with 3 where the key is good no more, and says who can help", async () => {
    await hub.ok("site", "revoke", "acme/main");
    await agent.complains("E_KEY_REVOKED");
    const { code, stdout } = await agent.call(["enroll", token]);
    expect(code).toBe(3);
    expect(stdout).toContain("E_KEY_REVOKED");
    expect(stdout).toContain("The enrolment stands");
  });

  test("with --force is for the hub to refuse", async () => {
    expectRefusal(await agent.call(["enroll", token, "--force"]), "E_TOKEN_USED");
  });

  test("another token for the site wants --force", async () => {
    const { token: newer } = await hub.json<{ token: string }>("site", "token", "acme/main");
    expectRefusal(await agent.enroll(newer), "E_ALREADY_ENROLLED", "--force");
    const taken = outcome(await agent.call(["enroll", newer, "--force", "--json"]));
    expect(taken).toMatchObject({ code: 0, changed: true });
    await agent.stop();
  });
});

describe("seen by Checkmk", async () => {
  const { token } = await hub.addSite("hooli/main");
  const agent = lab.makeAgent();
  const services = async (...words: string[]) => {
    const { code, stdout, stderr } = await agent.call(["checkmk-check", ...words]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    return parseLocalScript(stdout);
  };
  const states = (of: Record<string, Service>) =>
    Object.entries(of).map(([name, { state }]) => `${name}: ${state}`);

  test("nothing, before it is enrolled", async () => {
    expect(await services()).toEqual({});
  });

  test("its services are there, and CRIT while it does not run", async () => {
    await agent.ok("enroll", token);
    const down = await services();
    expect(states(down)).toEqual(["Farsite agent: 2", "Farsite tunnel main: 2", "Farsite outbox main: 0"]);
    expect(down["Farsite tunnel main"]?.summary).toContain("systemctl start farsite-agent");
  });

  test("the same are OK while it is connected, at both ends", async () => {
    await agent.start();
    await hub.reaches("hooli/main", "connected");
    await until("the round trip to be known", async () => (await agent.status()).rtt !== undefined);
    const up = await services();
    expect(states(up)).toEqual(["Farsite agent: 0", "Farsite tunnel main: 0", "Farsite outbox main: 0"]);
    expect(up["Farsite tunnel main"]?.metrics).toHaveProperty("rtt.value");
    expect(states(await services("--rtt", "0,0"))).toContain("Farsite tunnel main: 2");
    const local = ["checkmk", "local", "--tenant", "hooli", "--piggyback", "{site}.{tenant}"];
    const hosts = parseLocal(await hub.ok(...local));
    expect(states(hosts["main.hooli"] ?? {})).toEqual(["Farsite tunnel hooli/main: 0"]);
    expect(states(hosts[""] ?? {})).toEqual(["Farsite hub: 0"]);
    await agent.stop();
  });

  test("what is wrong with the options, or at the hub, is a line as well", async () => {
    expect(await services("--rtt", "2,1")).toMatchObject({
      "Farsite agent": { state: 3, summary: expect.stringContaining("E_USAGE") },
    });
    await hub.stop();
    const output = await hub.ok("checkmk", "local");
    await hub.start();
    expect(parseLocal(output)[""]).toMatchObject({ "Farsite hub": { state: 2 } });
  });
});

describe("where no agent runs", () => {
  test("--wait waits, and then says what is in the way", async () => {
    const { token } = await hub.addSite("globex/main");
    const agent = lab.makeAgent();
    const waited = await agent.call(["enroll", token, "--wait", "0.1"]);
    expect(waited.code).toBe(3);
    expect(waited.stdout).toContain("No agent runs.");
    const told = outcome(await agent.call(["enroll", token, "--wait", "0.1", "--json"]));
    expect(told).toMatchObject({ code: 3, changed: false, connected: false });
    expect(told).toHaveProperty("findings.0.step", "agent");
  });

  test.each(["", "x", "-1", "3601"])("--wait %j is wrong usage", async (wait) => {
    const refused = await lab.makeAgent().call(["enroll", "fst1_x", `--wait=${wait}`]);
    expectRefusal(refused, "E_USAGE", "--wait");
  });
});

describe("a token in a file", async () => {
  const { token } = await hub.addSite("initech/main");
  const file = join(lab.folder, "token");

  test("is read, line breaks and all", async () => {
    writeFileSync(file, `${token.slice(0, 40)}\n${token.slice(40)}\n`, { mode: 0o600 });
    const agent = lab.makeAgent();
    expect(await agent.ok("enroll", "--token-file", file)).toContain("Enrolled as initech/main.");
    expect(readdirSync(agent.stateDir).sort()).toEqual(["agent.key", "hub.json", "token.id"]);
  });

  test("does not go with another, and must be there, and be one", async () => {
    const agent = lab.makeAgent();
    expectRefusal(await agent.call(["enroll", token, "--token-file", file]), "E_USAGE", "--token-file");
    expectRefusal(await agent.call(["enroll", "--token-file", `${file}.no`]), "E_STATE", `${file}.no`);
    expectRefusal(await agent.call(["enroll", "--token-file", "/dev/zero"]), "E_TOKEN_MALFORMED");
  });
});
