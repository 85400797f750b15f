/** Farsite itself, as it is installed: hub and agent as processes, TLS and Noise on, enrolled by token. */
import { randomInt } from "node:crypto";
import { join } from "node:path";
import { install } from "./install.ts";
import { answers, eventually, freePort, type Peer } from "./peer.ts";

/** Treated as Livestatus is, but not looked into: of what the load says, most is no Livestatus. */
const INTERACTIVE = { service: "ec", port: 6558 };
const LIVESTATUS = { service: "livestatus", port: 6557 };
/** Bulk on the hub, behind the other when the line is full; not looked into either. */
const BULK = { service: "https", port: 5443 };
/** In which the hub understands HTTP. */
const WEB = { service: "http", port: 5000 };

export const farsite: Peer = {
  name: "farsite",
  async start({ name: stage, hub: hubSide, agent: agentSide, core, folder: base, load, scope }) {
    const part = (kind: "hub" | "agent", config: readonly string[]) =>
      install(kind, join(base, kind), config, { side: kind === "hub" ? hubSide : agentSide, scope });

    const port = await freePort();
    const hubPart = part("hub", [
      `url = "wss://${hubSide.address}:${port}"`,
      "[listen]",
      `address = "${hubSide.address}"`,
      `port = ${port}`,
      "[services]",
      `${BULK.service} = ${BULK.port}`,
      "[endpoints]",
      `pool = "127.${randomInt(128, 255)}.${randomInt(256)}.0/24"`, // another hub may run on this machine
    ]);
    const webPort = stage === "loopback" ? await load.serveWeb(agentSide) : undefined;
    const address = `tcp:${core.host}:${core.port}`;
    const agentPart = part("agent", [
      "[services]",
      ...[INTERACTIVE, LIVESTATUS, BULK].map(({ service }) => `${service} = "${address}"`),
      ...(webPort === undefined ? [] : [`${WEB.service} = "tcp:${agentSide.address}:${webPort}"`]),
    ]);

    const hub = hubPart.start("serve");
    await eventually(() => hubPart.ask("status", "--json"), [hub]);
    await hubPart.ask("tenant", "add", "bench");
    const site = JSON.parse(await hubPart.ask("site", "add", "bench/core", "--json"));
    await agentPart.once("enroll", site.token);
    const agent = agentPart.start("run");
    await eventually(async () => {
      const { sites } = JSON.parse(await hubPart.ask("status", "--json"));
      const { state } = sites[0].livestatus;
      if (state !== "online") throw new Error(`the site is ${state}`);
    }, [hub, agent]);

    const target = { host: String(site.address), port: INTERACTIVE.port, within: hubSide.within };
    await answers(load, target, [hub, agent]);
    return {
      target,
      bulk: { ...target, port: BULK.port },
      livestatus: { ...target, port: LIVESTATUS.port },
      ...(webPort !== undefined && { web: { ...target, port: WEB.port } }),
      sides: { hub, agent },
    };
  },
};
