/** What the hub and the agent do with Livestatus when their files say so. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AuditRecord } from "../../hub/registry/index.ts";
import { FarsiteLab, type TestAgent, type TestHub, until } from "../lab/farsite.ts";
import { Client, type Place, placesOf } from "./client.ts";
import { manners, PROBED_ONCE, Target } from "./target.ts";

const lab = new FarsiteLab();
afterAll(() => lab.end());

const PATH = "acme/main";
const ANSWER = "200           2\nok";
const COMMAND = "COMMAND [1700000000] RESTART_PROGRAM;secret\nAuthUser: zo\x1b[2Je\n\n";
const FIXED = "ResponseHeader: fixed16\n";

let target: Target;
let hub: TestHub;
beforeAll(async () => {
  target = await Target.start(manners.core(ANSWER), lab.cleanup);
  hub = await lab.startHub({ livestatus: { commands: ["ADD_*"], channels: 2, request_seconds: 0.5 } });
});

async function ask(path: string, text: string): Promise<Record<"tcp" | "unix", Client>> {
  const places = placesOf(await hub.endpoint(path, "livestatus"));
  const over = async (place: Place) => (await Client.to(place).send(text)).over();
  return { tcp: await over(places.tcp), unix: await over(places.unix) };
}

describe("a site whose agent never came", () => {
  beforeAll(() => hub.addSite("acme/never"));

  test("answers a query at once with the reason, in the form that was asked for", async () => {
    for (const client of Object.values(await ask("acme/never", `GET hosts\n${FIXED}\n`))) {
      expect(client).toMatchObject({ ended: true, broken: undefined });
      expect(client.bytes.toString()).toBe(
        "502          76\nthe site is not connected: its agent has not come since the hub was started\n",
      );
    }
  });

  test("breaks the connection of one that can be told in no other way", async () => {
    const { tcp, unix } = await ask("acme/never", "GET hosts\n\n");
    expect(tcp).toMatchObject({ broken: "ECONNRESET", received: 0 });
    expect(unix.received).toBe(0);
  });

  test("says so, too, when a request does not come to its end", async () => {
    const { tcp } = await ask("acme/never", `GET hosts\n${FIXED}`);
    expect(tcp.bytes.toString()).toBe("451          42\nthe request was not complete within 0.5 s\n");
  });
});

describe("a site that is there", () => {
  let agent: TestAgent;
  /** Waits until the agent has asked the core, which it does once, and told the hub. */
  const seen = () =>
    until("the core to be seen", async () => (await hub.site(PATH)).livestatus.state === "online");
  beforeAll(async () => {
    agent = await lab.connect(hub, PATH, { services: { livestatus: target.name }, ...PROBED_ONCE });
    await seen();
  });

  test("is asked once for each query, and tells when it has gone", async () => {
    const before = target.total;
    for (const client of Object.values(await ask(PATH, `GET hosts\n${FIXED}\n`))) {
      expect(client.bytes.toString()).toBe(ANSWER);
    }
    expect(target.total - before).toBe(2);
    await agent.stop();
    await hub.reaches(PATH, "disconnected");
    const { tcp } = await ask(PATH, `GET hosts\n${FIXED}\n`);
    expect(tcp.bytes.toString()).toBe("502          34\nthe site is down: the agent stops\n");
    await agent.start();
    await seen();
  });

  test("never hears of a command that the hub does not allow, and the audit knows", async () => {
    const before = target.total;
    const { tcp } = await ask(PATH, COMMAND);
    expect(tcp).toMatchObject({ broken: "ECONNRESET", received: 0 });
    expect(target.total).toBe(before);
    await until("the log line", () =>
      /livestatus request refused.*request="COMMAND RESTART_PROGRAM"/.test(hub.process.output),
    );
    const shown = await hub.ok("audit", "--site", PATH, "--since", "1h");
    // by TCP first, then by Unix socket
    const [byTcp, byUnix] = shown.trimEnd().split("\n").slice(-2);
    expect(byUnix).toMatch(/e +unix +livestatus\.refuse/);
    expect(byTcp).toMatch(
      /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ {2}client zo\\u001b\[2Je +127\.0\.0\.1 +livestatus\.refuse +acme\/main +/,
    );
    expect(byTcp).toContain(
      "COMMAND RESTART_PROGRAM, refused by the hub: the command RESTART_PROGRAM is not allowed here",
    );
    expect(shown).not.toMatch(/secret|\p{Cc}(?<!\n)/u);
    expect((await hub.json<AuditRecord[]>("audit", "--site", PATH)).map(({ action }) => action)).toEqual([
      "site.add",
      "token.issue",
      "agent.enrol",
      "livestatus.refuse",
      "livestatus.refuse",
    ]);
    const changes = await hub.json<AuditRecord[]>("audit", "--tenant", "acme", "--action", "site.");
    expect(changes.map(({ site }) => site)).toEqual(["never", "main"]);
    for (const { who, from } of changes)
      expect([who, from]).toEqual([expect.stringMatching(/^admin \S/), "admin socket"]);
  });

  test("lets in only what its own agent's file allows, whatever the hub thinks", async () => {
    await agent.stop();
    agent.write({
      services: { livestatus: target.name },
      livestatus: { commands: "none", tables: ["status"] },
      ...PROBED_ONCE,
    });
    await agent.start();
    await seen();
    const before = target.received;
    expect((await ask(PATH, "COMMAND [1700000000] ADD_X\n\n")).tcp.broken).toBe("ECONNRESET");
    const { tcp } = await ask(PATH, `GET hosts\n${FIXED}\n`);
    expect(tcp.bytes.toString()).toBe("403          44\nthe table hosts is not open to queries here\n");
    expect(target.received).toBe(before);
    expect((await ask(PATH, `GET status\n${FIXED}\n`)).tcp.bytes.toString()).toBe(ANSWER);
    await until("the log line", () =>
      /service failed service=livestatus reason="COMMAND ADD_X was not let in/.test(agent.process.output),
    );
    const refusals = await hub.json<AuditRecord[]>("audit", "--action", "livestatus.refuse");
    expect([...new Set(refusals.slice(-4).map(({ detail }) => detail))]).toEqual([
      "COMMAND ADD_X, refused by the agent: its agent does not allow this request",
      "GET hosts, refused by the agent: the table hosts is not open to queries here",
    ]);
  });
});
