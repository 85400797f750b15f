/** `farsite-agent doctor` as a program: beside a running agent, without one, before enrolment. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Told } from "../../../agent/command/checkup.ts";
import { makeAuthority } from "../../e2e/certificates.ts";
import { Client, placesOf } from "../../e2e/client.ts";
import { expectRefusal } from "../../e2e/refusal.ts";
import { manners, Target } from "../../e2e/target.ts";
import { scratchDirectory } from "../../lab/cleanup.ts";
import { FarsiteLab, freePort, type TestAgent, type TestHub } from "../../lab/farsite.ts";
import * as middle from "./middlebox.ts";

const SITE = "acme/main";
const lab = new FarsiteLab();
afterAll(() => lab.end());

let hub: TestHub;
let agent: TestAgent;
let target: Target;

beforeAll(async () => {
  hub = await lab.startHub({ services: { echo: 7001 } });
  target = await Target.start(manners.echo, lab.cleanup);
  agent = await lab.connect(hub, SITE, { services: { echo: target.name } });
});

interface Report {
  exit: number;
  findings: Told[];
}

/** What it prints for scripts, and how it ended. */
async function doctor(of: TestAgent, ...words: string[]): Promise<Report> {
  const { code, stdout, stderr } = await of.call(["doctor", ...words, "--json"]);
  expect(stdout, stderr).toMatch(/^\{/);
  const report = JSON.parse(stdout) as Report;
  expect(report.exit).toBe(code);
  return report;
}

const problems = ({ findings }: Report) => findings.filter(({ state }) => state === "problem");
const stepsOf = ({ findings }: Report) => findings.map(({ step, state }) => `${step} ${state}`);

test("finds nothing wrong beside a running agent, whose session and streams go on", async () => {
  const before = await agent.status();
  const client = await Client.to(placesOf(await hub.endpoint(SITE, "echo")).tcp);
  const report = await doctor(agent);
  expect(stepsOf(report)).toEqual(
    [
      "configuration",
      "state",
      "name",
      "connection",
      "tls",
      "websocket",
      "https",
      "handshake",
      "clock",
      "round-trip",
      "large-messages",
      "throughput",
      "service",
      "agent",
    ].map((step) => `${step} ok`),
  );
  await client.send("still here");
  expect(String(await client.end().all())).toBe("still here");
  expect((await agent.status()).since).toBe(before.since);
  expect(hub.process.output).not.toMatch(/agent refused/);
});

test("says it to people as well, and to whom it is addressed", async () => {
  const said = await agent.ok("doctor", "main");
  expect(said).toMatch(
    /ok {7}handshake {7}the hub \(release .*\) proved its key and lets this agent in as acme\/main/,
  );
  expect(said).toContain("No problem found.");
  expectRefusal(await agent.call(["doctor", "other"]), "E_NOT_FOUND", "It has: main.");
});

test("before enrolment it looks at the way alone", async () => {
  const fresh = lab.makeAgent();
  const report = await doctor(fresh, "--hub", hub.url);
  // nobody told it of the hub's self-made certificate
  expect(problems(report)).toMatchObject([{ step: "tls", code: "E_TLS_UNTRUSTED", hop: "tls" }]);
  expect(report.exit).toBe(13);
  const plain = await lab.startHub({ listen: { tls: "off" } });
  const way = await doctor(fresh, "--hub", plain.url);
  expect([way.exit, stepsOf(way)]).toEqual([
    0,
    ["name ok", "connection ok", "websocket ok", "https ok", "handshake ok"],
  ]);
  await plain.stop();
  const lost = await doctor(fresh);
  expect([lost.exit, problems(lost).map(({ code }) => code)]).toEqual([20, ["E_STATE", "E_NOT_ENROLLED"]]);
  expectRefusal(await fresh.call(["doctor", "--hub", "https://hub.example/tunnel"]), "E_USAGE", "wss://HOST");
});

test("names a service that does not answer, and a listener whose address is taken, without an agent", async () => {
  const installed = lab.makeAgent();
  const { token } = await hub.addSite("acme/second");
  await installed.ok("enroll", token);
  const taken = await middle.box(lab.cleanup, () => {});
  installed.write({
    services: { livestatus: target.name, http: `tcp:127.0.0.1:${await freePort()}` },
    listen: { receiver: `tcp:127.0.0.1:${taken.port}` },
  });
  const report = await doctor(installed);
  expect(problems(report).map(({ step, code, owner }) => [step, code, owner])).toEqual([
    ["service", "E_TARGET_UNREACHABLE", "host"],
    ["service", "E_TARGET_UNREACHABLE", "host"],
    ["listener", "E_LISTEN", "host"],
  ]);
  expect(report.exit).toBe(23);
  expect(stepsOf(report)).toContain("agent warning");
});

test("says that the hub refuses it, and that this is the hub's operator's job", async () => {
  const installed = lab.makeAgent();
  const { token } = await hub.addSite("acme/third");
  await installed.ok("enroll", token);
  await hub.ok("site", "disable", "acme/third");
  const report = await doctor(installed);
  expect(problems(report)).toMatchObject([
    { step: "handshake", code: "E_SITE_DISABLED", hop: "hub", owner: "hub" },
  ]);
  expect(report.exit).toBe(16);
});

test("names who inspects TLS where another certificate is pinned, with a text for the firewall team", async () => {
  const inspector = await makeAuthority(scratchDirectory(lab.cleanup, "inspector"));
  const box = await middle.box(lab.cleanup, () => {}, await inspector.issue("127.0.0.1"));
  agent.write({ services: { echo: target.name }, hub: { urls: [`wss://127.0.0.1:${box.port}`] } });
  const { code, stdout } = await agent.call(["doctor"]);
  expect(code).toBe(13);
  expect(stdout).toMatch(/inspected by "Farsite test authority".* \[E_TLS_UNTRUSTED\]/);
  expect(stdout).toMatch(
    /To the administrators of this network's firewalls:.*127\.0\.0\.1 port \d+: outbound TCP/s,
  );
});

test("notices that large messages do not pass where small ones do", async () => {
  const authority = await makeAuthority(scratchDirectory(lab.cleanup, "authority"));
  const files = await authority.issue("hub");
  const certified = await lab.startHub({ listen: { tls: "files", ...files } });
  const { token } = await certified.addSite(SITE);
  const installed = lab.makeAgent({ ca_file: authority.file });
  await installed.ok("enroll", token);
  // as a black hole for the path MTU has it: what is not small never arrives, nor does what comes after it
  const swallow = () => {
    let gone = false;
    const small = (chunk: Buffer) => {
      gone ||= chunk.length > 8192;
      return gone ? undefined : chunk;
    };
    return { up: small };
  };
  const box = await middle.box(lab.cleanup, middle.passTo(certified.port, swallow));
  const url = `wss://127.0.0.1:${box.port}`;
  installed.write({ ca_file: authority.file, hub: { urls: [url] } });
  const report = await doctor(installed);
  expect(problems(report)).toMatchObject([{ step: "large-messages", code: "E_PATH_MTU", hop: "carrier" }]);
  expect(report.exit).toBe(17);
  // an authority of its own is no public one
  expect(report.findings.find(({ step }) => step === "tls")).toMatchObject({
    state: "warning",
    says: expect.stringContaining(
      'inspected by "Farsite test authority", or that is the hub\'s own authority',
    ),
  });
  // where another address of the hub serves, it is no problem
  installed.write({ ca_file: authority.file, hub: { urls: [url, certified.url] } });
  const two = await doctor(installed);
  expect([two.exit, problems(two)]).toEqual([0, []]);
  expect(two.findings).toContainEqual(
    expect.objectContaining({ code: "E_PATH_MTU", state: "warning", hub: url }),
  );
});
