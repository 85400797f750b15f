/** `farsite-agent checkmk-check`: tunnel and outbox of each site as services of Checkmk, on this host. */
import { join } from "node:path";
import type { Command } from "commander";
import {
  type LevelOptions,
  type LocalCheck,
  localLine,
  siteLevels,
  withLevels,
} from "../../common/checkmk/index.ts";
import { type Places, printLine, withPlaces } from "../../common/command/index.ts";
import { FarsiteError, reasonOf } from "../../common/errors.ts";
import { agentCheck, downChecks, siteChecks } from "../checkmk/index.ts";
import { itemsOnDisk } from "../doctor/index.ts";
import { findEnrolments } from "../enrolment/index.ts";
import { askAgent, STATUS_SOCKET } from "../status.ts";

type Options = Places & LevelOptions;

/** ms for the agent's answer: Checkmk's agent waits for this one. */
const PATIENCE = 5_000;

export function addCheckmkCheck(program: Command): void {
  const command = withPlaces(program.command("checkmk-check"), "farsite-agent").description(
    "print tunnel and outbox of each site as local checks of Checkmk",
  );
  withLevels(command, {
    rtt: "seconds to the hub and back",
    away: "seconds without a connection",
    age: "seconds that the oldest item waits",
    depth: "items that wait",
  })
    .addHelpText(
      "after",
      "\nThe package installs it as /usr/lib/check_mk_agent/local/farsite, which takes its options from\n" +
        "/etc/check_mk/farsite.cfg: a line such as AGENT_OPTIONS='--rtt 0.2,1 --age 60,600'.",
    )
    .action(async (options: Options) => {
      for (const check of await checks(options)) printLine(localLine(check));
    });
}

/** Whatever happens, people see a line: what fails here without one is seen by nobody. */
async function checks(options: Options): Promise<LocalCheck[]> {
  try {
    const levels = siteLevels(options);
    const status = await withinPatience(askAgent(join(options.runDir, STATUS_SOCKET))).catch(() => undefined);
    if (!status) return without(options);
    const now = Date.now();
    return [agentCheck(status), ...status.sites.flatMap((site) => siteChecks(site, levels, now))];
  } catch (error) {
    const code = error instanceof FarsiteError ? ` [${error.code}]` : "";
    return [{ state: 3, service: "Farsite agent", metrics: [], texts: [`${reasonOf(error)}${code}`] }];
  }
}

/** No agent answers. One that is not enrolled need not. */
function without({ stateDir, runDir }: Options): LocalCheck[] {
  const { enrolments, damaged } = findEnrolments(stateDir);
  if (enrolments.length === 0 && damaged.length === 0) return [];
  const sites = enrolments.map(({ name, folder }) => ({ name, items: itemsOnDisk(folder) }));
  const todo = "systemctl start farsite-agent; systemctl status farsite-agent says why it does not run";
  return downChecks(sites, `no agent answers in ${runDir}`, todo);
}

function withinPatience<T>(answer: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error("no answer")), PATIENCE);
  return Promise.race([answer, promise]).finally(() => clearTimeout(timer));
}
