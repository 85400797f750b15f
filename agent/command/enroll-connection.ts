/** Waits until the hub has this agent's site as connected. */
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { printLine } from "../../common/command/index.ts";
import { LIVESTATUS } from "../../common/core.ts";
import { askAgent, type SiteStatus, STATUS_SOCKET } from "../status.ts";
import { isStanding } from "../tunnel/index.ts";

export interface Wait {
  /** The enrolment's name. */
  name: string;
  runDir: string;
  /** Says nothing meanwhile. */
  quiet: boolean;
}

export interface Reached {
  connected: boolean;
  /** That it took. */
  seconds: number;
  /** What the running agent says last; undefined when none answers. */
  status: SiteStatus | undefined;
}

/** ms between two looks. */
const PAUSE = 100;
/** ms for the core's answer, which the agent asks for as soon as it runs. */
const CORE_PATIENCE = 5_000;

/** How the running agent has a site now; undefined when none runs, or it does not know the site. */
export async function stateNow({
  name,
  runDir,
}: Pick<Wait, "name" | "runDir">): Promise<SiteStatus | undefined> {
  const status = await askAgent(join(runDir, STATUS_SOCKET)).catch(() => undefined);
  return status?.sites.find((site) => site.name === name);
}

/** Comes back when it is connected, when only a person can change that it is not, or when time is up. */
export async function awaitConnection(wait: Wait, seconds: number): Promise<Reached> {
  const began = performance.now();
  const since = () => performance.now() - began;
  if (!wait.quiet) printLine(`Waiting for the hub, at most ${seconds} s ...`);
  let status = await stateNow(wait);
  while (!isSettled(status) && since() < seconds * 1000) {
    await delay(PAUSE);
    status = await stateNow(wait);
  }
  const took = since() / 1000;
  if (status?.state !== "connected") return { connected: false, seconds: took, status };
  const asked = performance.now();
  while (status && asksCore(status) && !status.core && performance.now() - asked < CORE_PATIENCE) {
    await delay(PAUSE);
    status = (await stateNow(wait)) ?? status;
  }
  return { connected: true, seconds: took, status };
}

function isSettled(status: SiteStatus | undefined): boolean {
  if (!status) return false;
  return status.state === "connected" || (status.error !== undefined && isStanding(status.error.code));
}

const asksCore = ({ services }: SiteStatus) => services.includes(LIVESTATUS);
