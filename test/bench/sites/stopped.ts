/** Four sites, one of whose cores stops in the middle of everything, as a hung one does. */
import { randomInt } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { install } from "../peers/install.ts";
import { eventually, freePort } from "../peers/peer.ts";
import type { Scope } from "../scope.ts";
import type { Stage } from "../stage.ts";
import { Gui } from "./page.ts";

const SITES = ["one", "two", "three", "four"];
const TENANT = "bench";
/** ms between two looks at what the hub says. */
const POLL = 10;
/** The agent's probe and what comes of it are over by then. */
const LIMIT = 30_000;

export interface Stopped {
  /** ms of a page before the core is stopped. */
  page: number;
  /** ms of a page that is asked for the moment it is stopped: somebody waits until that is known. */
  first: number;
  /** ms until the hub calls it dead. */
  known: number;
  /** ms of a page from then on. */
  after: number;
}

/** Sites as installed: hub, agents and cores as processes; how the hub sees them. */
export class Sites {
  private constructor(
    readonly targets: readonly { host: string; port: number }[],
    private readonly cores: readonly number[],
    private readonly admin: string,
  ) {}

  static async start({ hub: side, load }: Stage, into: Scope): Promise<Sites> {
    const folder = join(into.folder, "sites");
    mkdirSync(folder);
    const port = await freePort();
    const hub = install(
      "hub",
      join(folder, "hub"),
      [
        `url = "wss://${side.address}:${port}"`,
        "[listen]",
        `address = "${side.address}"`,
        `port = ${port}`,
        "[endpoints]",
        `pool = "127.${randomInt(128, 255)}.${randomInt(256)}.0/24"`,
        "[log]",
        'level = "error"',
      ],
      { side, scope: into },
    );
    const running = hub.start("serve");
    const admin = join(folder, "hub", "run", "admin.sock");
    const statusNow = () => status(admin);
    await eventually(statusNow, [running]);
    await hub.ask("tenant", "add", TENANT);
    const targets: { host: string; port: number }[] = [];
    const cores: number[] = [];
    for (const name of SITES) {
      const { core, pid } = await load.serve(side, into);
      cores.push(pid);
      const { token, address } = JSON.parse(await hub.ask("site", "add", `${TENANT}/${name}`, "--json"));
      targets.push({ host: address, port: 6557 });
      const services = ["[services]", `livestatus = "tcp:${core.host}:${core.port}"`];
      const agent = install("agent", join(folder, name), services, { side, scope: into });
      await agent.once("enroll", token);
      agent.start("run");
    }
    const sites = new Sites(targets, cores, admin);
    for (const name of SITES) await sites.reaches(name, "online");
    return sites;
  }

  /** Waits until the hub says that a site is in this state. */
  async reaches(name: string, state: string): Promise<void> {
    const limit = performance.now() + LIMIT;
    for (;;) {
      const found = (await status(this.admin)).sites.find(({ site }) => site === name);
      if (found?.livestatus.state === state) return;
      if (performance.now() > limit) throw new Error(`${name} is ${found?.livestatus.state}, not ${state}`);
      await delay(POLL);
    }
  }

  /** Stops the first site's core, and lets it go on in the end. */
  async stop(): Promise<Stopped> {
    const gui = new Gui(this.targets);
    const late = new Gui(this.targets);
    const [first = "", core = 0] = [SITES[0], this.cores[0]];
    try {
      const page = await expectDead(gui, 0);
      const from = performance.now();
      process.kill(core, "SIGSTOP");
      const [waited, known] = await Promise.all([
        gui.page(),
        this.reaches(first, "dead").then(() => performance.now() - from),
      ]);
      const after = await expectDead(late, 1);
      return { page, first: waited.took, known, after };
    } finally {
      process.kill(core, "SIGCONT");
      gui.close();
      late.close();
      await this.reaches(first, "online");
    }
  }
}

async function expectDead(gui: Gui, count: number): Promise<number> {
  const { took, dead } = await gui.page();
  if (dead !== count) throw new Error(`${dead} sites are dead, not ${count}`);
  return took;
}

async function status(admin: string): Promise<{ sites: { site: string; livestatus: { state: string } }[] }> {
  const response = await fetch("http://hub/status", { unix: admin });
  return (await response.json()) as Awaited<ReturnType<typeof status>>;
}
