/** `farsite-hub checkmk local`: the hub and its sites as services of Checkmk, for a plugin of Checkmk's agent. */
import type { Command } from "commander";
import {
  type LevelOptions,
  LOCAL_SECTION,
  localLine,
  siteLevels,
  withLevels,
} from "../../common/checkmk/index.ts";
import { type Places, printLine, withPlaces } from "../../common/command/index.ts";
import { FarsiteError } from "../../common/errors.ts";
import { hubDownCheck, pluginLines } from "../checkmk/index.ts";
import type { HubStatus } from "../hub.ts";
import { TEMPLATE_HELP } from "./checkmk-connections.ts";
import { askHub } from "./client.ts";

interface Options extends Places, LevelOptions {
  tenant?: string;
  piggyback?: string;
}

export function addLocal(checkmk: Command): void {
  const command = withPlaces(checkmk.command("local"), "farsite-hub")
    .description("print the hub, and tunnel and outbox of each site, as local checks of Checkmk")
    .option("--tenant <tenant>", "the sites of one tenant; default all")
    .option("--piggyback <template>", "give each site's services to the host of that name");
  withLevels(command, {
    rtt: "seconds to the agent and back",
    away: "seconds without a connection",
    age: "seconds that the oldest letter waits",
    depth: "letters that wait for a sink",
  })
    .addHelpText(
      "after",
      `${TEMPLATE_HELP}\nThe package installs it as /usr/lib/check_mk_agent/plugins/farsite-hub, which takes its options\n` +
        "from /etc/check_mk/farsite.cfg: a line such as HUB_OPTIONS='--piggyback {tenant}-{site} --rtt 0.2,1'.",
    )
    .action(async (options: Options) => {
      for (const line of await lines(options)) printLine(line);
    });
}

/** Whatever happens, people see a line: what fails here without one is seen by nobody. */
async function lines(options: Options): Promise<string[]> {
  try {
    const levels = siteLevels(options);
    const status = await askHub<HubStatus>(options, "GET", "/status");
    const { tenant, piggyback } = options;
    const sites = status.sites.filter((site) => tenant === undefined || site.tenant === tenant);
    return pluginLines({ ...status, sites }, levels, Date.now(), piggyback);
  } catch (error) {
    if (!(error instanceof FarsiteError)) throw error;
    const text = `${error.message} [${error.code}]`;
    const down = hubDownCheck(text);
    return [
      LOCAL_SECTION,
      localLine(error.code === "E_HUB_DOWN" ? down : { ...down, state: 3, texts: [text] }),
    ];
  }
}
