/** How a core's hosts and services are, as records of a dump. */
import {
  type HostRecord,
  MAX_LONG_OUTPUT,
  MAX_OUTPUT,
  type ServiceRecord,
} from "../../../common/outbox/index.ts";
import type { Ask } from "../table/index.ts";

/** Of one host or service: exactly one of them. */
export type ObjectRecord = { host: HostRecord } | { service: ServiceRecord };

/** What was never checked has no state yet. */
const CHECKED = "Filter: has_been_checked = 1";
const HOSTS = `GET hosts
Columns: name state plugin_output long_plugin_output perf_data alias address
${CHECKED}`;
const SERVICES = `GET services
Columns: host_name description state plugin_output long_plugin_output perf_data
${CHECKED}`;

/** Everything that was checked, by a name of its own. Throws an Error when the core cannot say. */
export async function readCore(ask: Ask): Promise<Map<string, ObjectRecord>> {
  const objects = new Map<string, ObjectRecord>();
  // one after the other: cores serve few connections at once
  for (const row of await ask(HOSTS)) {
    const [name, state, output, long, perf, alias, address] = row;
    objects.set(nameOf([text(name)]), {
      host: [text(name), whole(state), ...outputs(output, long, perf), text(alias), text(address)],
    });
  }
  for (const row of await ask(SERVICES)) {
    const [host, description, state, output, long, perf] = row;
    objects.set(nameOf([text(host), text(description)]), {
      service: [text(host), text(description), whole(state), ...outputs(output, long, perf)],
    });
  }
  return objects;
}

/** A name that no other object has; `partsOf` reads it. */
export function nameOf(parts: readonly string[]): string {
  return parts.join("\n");
}

/** Host, and description where it is a service. */
export function partsOf(name: string): [string] | [string, string] {
  const [host = "", description] = name.split("\n");
  return description === undefined ? [host] : [host, description];
}

function outputs(output: unknown, long: unknown, perf: unknown): [string, string, string] {
  return [
    line(output).slice(0, MAX_OUTPUT),
    linesOf(text(long)).slice(0, MAX_LONG_OUTPUT),
    line(perf).slice(0, MAX_OUTPUT),
  ];
}

/** What has one line; the hub refuses others. */
function line(value: unknown): string {
  return text(value).replace(/[\r\n\0]+/g, " ");
}

/** Nagios and its kin write a line break as `\n`, Icinga as what it is. */
function linesOf(long: string): string {
  return long.includes("\n") ? long : long.replaceAll("\\n", "\n");
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
