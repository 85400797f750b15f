/** `farsite-agent key ...`: this agent's own key. */
import { join } from "node:path";
import type { Command } from "commander";
import { systemClock } from "../../common/clock.ts";
import { type Places, printLine, withPlaces } from "../../common/command/index.ts";
import { FarsiteError } from "../../common/errors.ts";
import { askAgent, askForKey, STATUS_SOCKET } from "../status.ts";

/** ms for the hub to take the new key, and for the agent to come with it. */
const PATIENCE = 30_000;
/** ms between two looks. */
const LOOK = 200;

export function addKey(program: Command): void {
  const key = program.command("key").description("this agent's own key");
  withPlaces(key.command("renew"), "farsite-agent")
    .description(
      "make a new key; the present one is good until the hub has let the agent in with the new one",
    )
    .option("--site <name>", "only of the enrolment with this name; default all")
    .action((options: Places & { site?: string }) => renew(options));
}

async function renew({ runDir, site }: Places & { site?: string }): Promise<void> {
  const socket = join(runDir, STATUS_SOCKET);
  const asked = await askForKey(socket, site);
  const clock = systemClock;
  const deadline = clock.now() + PATIENCE;
  for (const { name, key } of asked) {
    for (;;) {
      const present = (await askAgent(socket)).sites.find((each) => each.name === name);
      if (present && present.key !== key) {
        printLine(`${name}: ${present.key} in the place of ${key}`);
        break;
      }
      if (clock.now() >= deadline) {
        throw new FarsiteError(
          "E_HUB_UNREACHABLE",
          `${name}: the hub has not taken a new key within ${PATIENCE / 1000} s; the present one is still good`,
          "See its log and this agent's: a hub before release 0.2 cannot do it.",
        );
      }
      await Bun.sleep(LOOK);
    }
  }
}
