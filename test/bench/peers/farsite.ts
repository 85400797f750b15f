/** Farsite itself, as it is installed: hub and agent as processes, TLS and Noise on, enrolled by token. */
import { randomInt } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { answers, eventually, freePort, type Peer } from "./peer.ts";

const ROOT = join(import.meta.dir, "../../..");
/** Treated as Livestatus is, but not looked into: what the load says is no Livestatus. */
const INTERACTIVE = { service: "ec", port: 6558 };
/** Bulk on the hub, behind the other when the line is full; not looked into either. */
const BULK = { service: "https", port: 5443 };
/** In which the hub understands HTTP. */
const WEB = { service: "http", port: 5000 };

export const farsite: Peer = {
  name: "farsite",
  async start({ name: stage, hub: hubSide, agent: agentSide, core, folder: base, load, scope }) {
    const part = (name: "hub" | "agent", config: readonly string[]) => {
      const folder = join(base, name);
      const [state, run] = [join(folder, "state"), join(folder, "run")];
      for (const path of [folder, state, run]) mkdirSync(path, { mode: 0o700 });
      const file = join(folder, `${name}.toml`);
      writeFileSync(file, `${config.join("\n")}\n`);
      const { within } = name === "hub" ? hubSide : agentSide;
      const command = (words: readonly string[]) => [
        ...within,
        process.execPath,
        join(ROOT, name, "main.ts"),
        ...words,
      ];
      const own = ["--config", file, "--state-dir", state, "--run-dir", run];
      return {
        start: (...words: string[]) => scope.start(command([...words, ...own])),
        once: (...words: string[]) => scope.run(command([...words, ...own])),
        /** Asks the one that runs. */
        ask: (...words: string[]) => scope.run(command([...words, "--run-dir", run])),
      };
    };

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
      `${INTERACTIVE.service} = "${address}"`,
      `${BULK.service} = "${address}"`,
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
      if (sites[0].state !== "connected") throw new Error(`the site is ${sites[0].state}`);
    }, [hub, agent]);

    const target = { host: String(site.address), port: INTERACTIVE.port, within: hubSide.within };
    await answers(load, target, [hub, agent]);
    return {
      target,
      bulk: { ...target, port: BULK.port },
      ...(webPort !== undefined && { web: { ...target, port: WEB.port } }),
      sides: { hub, agent },
    };
  },
};
