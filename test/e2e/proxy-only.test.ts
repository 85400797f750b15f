/** A customer whose firewall lets nothing out but what goes through its proxy, which wants Digest. */

import { once } from "node:events";
import { chmodSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { AgentStatus } from "../../agent/status.ts";
import { FarsiteLab } from "../lab/farsite.ts";
import {
  CUSTOMER_GATEWAY,
  createNetwork,
  firewallOf,
  HUB_ADDRESS,
  NETWORK_PACKAGES,
} from "../lab/network.ts";
import { namespaceObstacle, obstacleTo } from "../lab/obstacle.ts";
import { PROXY_PACKAGES, PROXY_PASSWORD, PROXY_USER, startSquid } from "../lab/proxies.ts";
import { Client, placesOf } from "./client.ts";
import { expectRefusal } from "./refusal.ts";
import { manners } from "./target.ts";

const lab = new FarsiteLab();
afterAll(() => lab.end());

const obstacle = await obstacleTo(
  "a customer's proxy",
  [...NETWORK_PACKAGES, ...PROXY_PACKAGES],
  namespaceObstacle,
);

const PROXY_PORT = 3128;

/** Nothing is forwarded any more; the proxy runs on the firewall, for the inside only. */
const PROXY_ONLY = `
flush chain inet firewall forward
add rule inet firewall forward add @dropped { ip saddr . ip daddr . tcp dport }
insert rule inet firewall input iifname "lan" tcp dport ${PROXY_PORT} accept
`;

const QUERY = "GET hosts\nColumns: name state\n\n";
const ANSWER = "web01;0\ndb01;1\n";

describe.skipIf(obstacle !== undefined)("a firewall that only lets the proxy's port pass", () => {
  test("nothing gets out directly; through the proxy the site enrols, connects, and Livestatus answers", async () => {
    const network = createNetwork({ tenants: ["acme"], cleanup: lab.cleanup });
    network.command(firewallOf("acme"), ["nft", "-f", "-"], PROXY_ONLY);
    const url = `http://${CUSTOMER_GATEWAY}:${PROXY_PORT}`;
    await startSquid({
      auth: "digest",
      onlyPort: 443,
      cleanup: lab.cleanup,
      netns: network.namespace(firewallOf("acme")),
      listen: { address: CUSTOMER_GATEWAY, port: PROXY_PORT },
    });
    const core = createServer({ allowHalfOpen: true }, manners.core(ANSWER));
    const socket = join(lab.folder, "live");
    core.listen(socket);
    await once(core, "listening");
    lab.cleanup.add("close the core", () => void core.close());

    const hub = await lab.makeHub({
      url: `wss://${HUB_ADDRESS}`,
      listen: { address: HUB_ADDRESS, port: 443 },
    });
    await hub.start({ netns: network.namespace("hub") });
    const { token } = await hub.addSite("acme/main");

    const agent = lab.makeAgent({ limits: { handshake_seconds: 1 } });
    const inside = { through: network.exec("acme", []) };
    expectRefusal(await agent.enroll(token, inside), "E_CONNECT_TIMEOUT", HUB_ADDRESS, "proxy");
    expect(network.dropped("acme")).toContainEqual(expect.objectContaining({ to: HUB_ADDRESS, port: 443 }));
    network.forgetDropped("acme");

    const password_file = join(lab.folder, "proxy.password");
    writeFileSync(password_file, `${PROXY_PASSWORD}\n`);
    chmodSync(password_file, 0o600);
    agent.write({
      proxy: { url, user: PROXY_USER, password_file },
      services: { livestatus: `unix:${socket}` },
    });
    const enrolled = await agent.enroll(token, inside);
    expect(enrolled, enrolled.stderr).toMatchObject({ code: 0 });
    await agent.start({ netns: network.namespace("acme") });
    await hub.reaches("acme/main", "connected");
    expect((await agent.json<AgentStatus>("status")).sites[0]).toMatchObject({
      route: { kind: "proxy", proxy: url, from: "agent.toml" },
    });

    const client = Client.to(placesOf(await hub.endpoint("acme/main", "livestatus")).unix);
    await client.send(QUERY);
    expect(String(await client.all())).toBe(ANSWER);
    // nothing was even tried past the proxy
    expect(network.dropped("acme")).toEqual([]);
    await Promise.all([agent.stop(), hub.stop()]);
  });
});
