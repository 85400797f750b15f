/** `farsite-hub checkmk local`: the hub and its sites as services of Checkmk, for a plugin of Checkmk's agent. */
import type { Command } from "commander";
import { LOCAL_SECTION, localLine, parseLevels } from "../../common/checkmk/index.ts";
import { type Places, printLine, withPlaces } from "../../common/command/index.ts";
import { FarsiteError } from "../../common/errors.ts";
import { DEFAULT_LOCAL_LEVELS, hubDownCheck, type LocalLevels, pluginLines } from "../checkmk/index.ts";
import type { HubStatus } from "../hub.ts";
import { TEMPLATE_HELP } from "./checkmk-connections.ts";
import { askHub } from "./client.ts";

interface Options extends Places {
  tenant?: string;
  piggyback?: string;
  rtt?: string;
  away?: string;
  age?: string;
  depth?: string;
}

export function addLocal(checkmk: Command): void {
  const levels = (what: string, { warn, crit }: LocalLevels["rtt"]) => `${what} (default: ${warn},${crit})`;
  withPlaces(checkmk.command("local"), "farsite-hub")
    .description("print the hub, and tunnel and outbox of each site, as local checks of Checkmk")
    .option("--tenant <tenant>", "the sites of one tenant; default all")
    .option("--piggyback <template>", "give each site's services to the host of that name")
    .option("--rtt <warn,crit>", levels("seconds to the agent and back", DEFAULT_LOCAL_LEVELS.rtt))
    .option("--away <warn,crit>", levels("seconds without a connection", DEFAULT_LOCAL_LEVELS.away))
    .option("--age <warn,crit>", levels("seconds that the oldest letter waits", DEFAULT_LOCAL_LEVELS.age))
    .option("--depth <warn,crit>", levels("letters that wait for a sink", DEFAULT_LOCAL_LEVELS.depth))
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
    const levels = levelsOf(options);
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

function levelsOf(options: Options): LocalLevels {
  const of = (key: keyof LocalLevels) => {
    const text = options[key];
    return text === undefined ? DEFAULT_LOCAL_LEVELS[key] : parseLevels(`--${key}`, text);
  };
  return { rtt: of("rtt"), away: of("away"), age: of("age"), depth: of("depth") };
}
