/** How a core's hosts and services are, as it says over Livestatus. */
import { MAX_NAME } from "../../../common/outbox/index.ts";
import type { Ask } from "../table/index.ts";
import { type Reader, Reading, textsOf } from "./record.ts";

/** What was never checked has no state yet. */
const CHECKED = "Filter: has_been_checked = 1";
const HOSTS = `GET hosts
Columns: name state plugin_output long_plugin_output perf_data alias address
${CHECKED}`;
const SERVICES = `GET services
Columns: host_name description state plugin_output long_plugin_output perf_data
${CHECKED}`;

/** Reads from a core. */
export function coreReader(ask: Ask): Reader {
  return {
    read: () => readCore(ask),
    // an answer has its time
    stop: () => {},
  };
}

async function readCore(ask: Ask): Promise<Reading> {
  const reading = new Reading();
  // one after the other: cores serve few connections at once
  for (const row of await ask(HOSTS)) {
    const [name, state, output, long, perf, alias, address] = row;
    const labels = [text(alias).slice(0, MAX_NAME), text(address).slice(0, MAX_NAME)] as const;
    reading.add([text(name)], {
      host: [text(name), whole(state), ...outputs(output, long, perf), ...labels],
    });
  }
  for (const row of await ask(SERVICES)) {
    const [host, description, state, output, long, perf] = row;
    reading.add([text(host), text(description)], {
      service: [text(host), text(description), whole(state), ...outputs(output, long, perf)],
    });
  }
  return reading;
}

function outputs(output: unknown, long: unknown, perf: unknown): [string, string, string] {
  return textsOf(text(output), text(long), text(perf));
}

function text(value: unknown): string {
  if (typeof value !== "string") throw new Error("the core's table has other columns");
  return value;
}

function whole(value: unknown): number {
  if (typeof value !== "number" || !Number.isInteger(value))
    throw new Error("the core's table has other columns");
  // a host of some cores may be anything but up
  return Math.min(3, Math.max(0, value));
}
