/** Where status dumps are read, as agent.toml says. */
import type { Clock } from "../../../common/clock.ts";
import { reasonOf } from "../../../common/errors.ts";
import type { Dialer, Target } from "../../service/index.ts";
import { askCore } from "../table/index.ts";
import { readCmcdump } from "./cmcdump.ts";
import { coreReader } from "./core.ts";
import { readLivedump, readLivedumpConfig } from "./livedump.ts";
import { Program } from "./program.ts";
import type { Reader, Reading } from "./record.ts";

/** The part of agent.toml that it follows. */
export interface ReaderConfig {
  source: "livestatus" | "livedump" | "cmcdump";
  livestatus?: { address: Target } | undefined;
  command?: readonly string[] | undefined;
  objects_command?: readonly string[] | undefined;
  timeout_seconds: number;
}

/** Undefined where nothing is to be read. */
export function openReader(config: ReaderConfig, dial: Dialer, clock: Clock): Reader | undefined {
  const { source, livestatus, command, objects_command: objects } = config;
  const timeout = config.timeout_seconds * 1000;
  if (source === "livestatus") {
    return livestatus && coreReader(askCore({ target: livestatus.address, dial, clock, timeout }));
  }
  if (!command) return undefined;
  const states = new Program({ command, clock, timeout });
  if (source === "cmcdump")
    return programReader([states], async () => readCmcdump(textOf(await states.run())));
  const configuration = objects && new Program({ command: objects, clock, timeout });
  return programReader(configuration ? [states, configuration] : [states], async () => {
    const labels = configuration && readLivedumpConfig(textOf(await configuration.run()));
    return readLivedump(textOf(await states.run()), labels);
  });
}

function programReader(programs: readonly Program[], read: () => Promise<Reading>): Reader {
  return {
    read: async () => {
      const reading = await read();
      // another program, or another version of it: not a site without hosts
      if (reading.objects.size === 0 && reading.refused > 0) throw new Error(reading.reason);
      return reading;
    },
    stop: () => {
      for (const program of programs) program.stop();
    },
  };
}

function textOf(printed: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(printed);
  } catch (error) {
    throw new Error(`what was printed is not UTF-8: ${reasonOf(error)}`);
  }
}
