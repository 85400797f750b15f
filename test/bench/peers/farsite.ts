/** Farsite itself, as it is installed: hub and agent as processes, TLS and Noise on, enrolled by token. */
import { randomInt } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { answers, eventually, freePort, type Peer } from "./peer.ts";

const ROOT = join(import.meta.dir, "../../..");
const LIVESTATUS_PORT = 6557;

export const farsite: Peer = {
  name: "farsite",
  async start(core, scope) {
    const part = (name: "hub" | "agent", config: readonly string[]) => {
      const folder = join(scope.folder, name);
      const [state, run] = [join(folder, "state"), join(folder, "run")];
      for (const path of [folder, state, run]) mkdirSync(path, { mode: 0o700 });
      const file = join(folder, `${name}.toml`);
      writeFileSync(file, `${config.join("\n")}\n`);
      const command = (words: readonly string[]) => [join(ROOT, name, "main.ts"), ...words];
      const own = ["--config", file, "--state-dir", state, "--run-dir", run];
      return {
        start: (...words: string[]) => scope.start(process.execPath, command([...words, ...own])),
        once: (...words: string[]) => scope.run(process.execPath, command([...words, ...own])),
        /** Asks the one that runs. */
        ask: (...words: string[]) => scope.run(process.execPath, command([...words, "--run-dir", run])),
      };
    };

    const port = await freePort();
    const hubPart = part("hub", [
      `url = "wss://127.0.0.1:${port}"`,
      "[listen]",
      'address = "127.0.0.1"',
      `port = ${port}`,
      "[endpoints]",
      `pool = "127.${randomInt(128, 255)}.${randomInt(256)}.0/24"`, // another hub may run on this machine
    ]);
    const agentPart = part("agent", ["[services]", `livestatus = "tcp:127.0.0.1:${core}"`]);

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

    const target = { host: String(site.address), port: LIVESTATUS_PORT };
    await answers(target, [hub, agent]);
    return { target, sides: { hub, agent } };
  },
};
