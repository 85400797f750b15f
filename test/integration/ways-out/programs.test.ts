/** The same with the real programs: what `enroll`, `run` and `status` say of the way out. */
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { AgentStatus } from "../../../agent/status.ts";
import { expectRefusal } from "../../e2e/refusal.ts";
import { ensurePackages } from "../../lab/debian.ts";
import { FarsiteLab, freePort, type TestAgent, type TestHub, until } from "../../lab/farsite.ts";
import { PROXY_PACKAGES, PROXY_PASSWORD, PROXY_USER, startSquid } from "../../lab/proxies.ts";

const lab = new FarsiteLab();
afterAll(() => lab.end());
const missing = new Set(await ensurePackages(PROXY_PACKAGES, { why: "testing against real proxies" }));

function passwordFile(mode = 0o600): string {
  const path = join(lab.folder, `proxy.password.${mode}`);
  writeFileSync(path, `${PROXY_PASSWORD}\n`);
  chmodSync(path, mode);
  return path;
}

/** Everything that the agent prints and logs. */
async function everything(agent: TestAgent): Promise<string> {
  return [await agent.ok("status"), await agent.ok("status", "--json"), agent.process.output].join("\n");
}

describe.skipIf(missing.has("squid"))("through Squid with Digest", () => {
  let hub: TestHub;

  test("enrol at a hub with a self-made certificate, run, and show the route, but no credentials", async () => {
    hub = await lab.startHub();
    const { port } = await startSquid({ auth: "digest", cleanup: lab.cleanup });
    const url = `http://127.0.0.1:${port}`;
    const agent = lab.makeAgent({ proxy: { url, user: PROXY_USER, password_file: passwordFile() } });
    const { token } = await hub.addSite("acme/main");
    await agent.ok("enroll", token);
    await agent.start();
    await hub.reaches("acme/main", "connected");
    expect((await agent.json<AgentStatus>("status")).sites[0]).toMatchObject({
      state: "connected",
      carrier: "websocket",
      route: { kind: "proxy", proxy: url, from: "agent.toml" },
    });
    expect(await agent.ok("status")).toContain(
      `route: through the proxy ${url} (agent.toml); carrier: websocket`,
    );
    expect(agent.process.output).toContain(`through the proxy ${url} (agent.toml)`);
    expect(await everything(agent)).not.toMatch(new RegExp(`${PROXY_USER}|sesame|Digest`));
    await agent.stop();
  });

  test("named by the environment: enrolment says that a service has another", async () => {
    const { port } = await startSquid({ auth: "basic", cleanup: lab.cleanup });
    const address = `127.0.0.1:${port}`;
    const env = { HTTPS_PROXY: `http://${PROXY_USER}:${encodeURIComponent(PROXY_PASSWORD)}@${address}` };
    const agent = lab.makeAgent();
    const { token } = await hub.addSite("acme/second");
    const enrolled = await agent.enroll(token, { env });
    expect(enrolled, enrolled.stderr).toMatchObject({ code: 0 });
    expect(enrolled.stdout).toContain(`It went through the proxy http://${address}, which HTTPS_PROXY names`);
    await agent.start({ env });
    await hub.reaches("acme/second", "connected");
    expect(await agent.ok("status")).toContain(`route: through the proxy http://${address} (HTTPS_PROXY)`);
    expect(`${enrolled.stdout}${await everything(agent)}`).not.toMatch(/sesame/);
    await agent.stop();
  });
});

describe("a proxy that does not work, although the hub could be reached directly", () => {
  test("is not gone past: the agent stays unconnected and says why, until the configuration is changed", async () => {
    const hub = await lab.startHub();
    const agent = lab.makeAgent();
    const { token } = await hub.addSite("acme/main");
    const url = `http://127.0.0.1:${await freePort()}`;
    agent.write({ proxy: { url } });
    expectRefusal(await agent.enroll(token), "E_PROXY_UNREACHABLE", url, "does not go past");
    agent.write({});
    await agent.ok("enroll", token);

    agent.write({ proxy: { url } });
    await agent.start();
    await agent.complains("E_PROXY_UNREACHABLE");
    // it tries again, and again not directly
    const { since } = await agent.status();
    await until("a further try", async () => (await agent.status()).since !== since);
    await agent.complains("E_PROXY_UNREACHABLE");
    expect((await agent.json<AgentStatus>("status")).sites[0]).toMatchObject({
      route: { kind: "proxy", proxy: url, from: "agent.toml" },
      error: { code: "E_PROXY_UNREACHABLE", hop: "proxy" },
      lastError: { code: "E_PROXY_UNREACHABLE" },
    });
    expect(await agent.ok("status")).toMatch(
      /the proxy .* refuses the connection \[E_PROXY_UNREACHABLE\] \(hop: proxy\)\n {2}agent\.toml names it/,
    );
    expect((await hub.site("acme/main")).state).toBe("never");
    await agent.stop();

    agent.write({ proxy: { url: "none" } });
    await agent.start({ env: { HTTPS_PROXY: url } });
    await hub.reaches("acme/main", "connected");
    await Promise.all([agent.stop(), hub.stop()]);
  });

  test("is refused at the start when it is none that the agent speaks to", async () => {
    const hub = await lab.startHub();
    const { token } = await hub.addSite("acme/main");
    const agent = lab.makeAgent();
    await agent.ok("enroll", token);
    const env = { ALL_PROXY: "socks5://monitoring:sesame@127.0.0.1:1080" };
    const refused = await agent.call(["run"], { env });
    expectRefusal(
      refused,
      "E_CONFIG",
      "ALL_PROXY names a proxy that is spoken to with socks5",
      'url = "none"',
    );
    expect(refused.stderr).not.toContain("sesame");
    agent.write({ proxy: { url: "http://127.0.0.1:1", user: "a", password_file: passwordFile(0o644) } });
    expectRefusal(await agent.call(["run"]), "E_KEY_FILE", "can be read by others", "chmod 600");
    await hub.stop();
  });
});
