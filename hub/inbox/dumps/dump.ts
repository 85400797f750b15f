/**
 * Status dumps as they come from a customer's site: hostile until shown otherwise. Names end in files and commands of
 * a central core, so those that could mean something there are refused, each for itself: the rest of a dump counts.
 */
import {
  type DumpBody,
  dumpBody,
  MAX_DUMP_OBJECTS,
  MAX_LONG_OUTPUT,
  MAX_OUTPUT,
} from "../../../common/outbox/index.ts";
import { printable } from "../../../common/text.ts";

/** How a host or service is: as Nagios counts, 0 to 2 and 0 to 3. */
export interface Status {
  state: number;
  /** One line each. */
  output: string;
  perfData: string;
  /** Lines. */
  longOutput: string;
}

export interface HostStatus extends Status {
  alias: string;
  address: string;
}

/** A host, or a service of one. */
export type ObjectName = readonly [host: string] | readonly [host: string, description: string];

export interface Dump {
  reset: boolean;
  complete: boolean;
  /** By names that begin with the site's prefix; here and below. */
  hosts: Map<string, HostStatus>;
  /** By host, then by description. */
  services: Map<string, Map<string, Status>>;
  gone: ObjectName[];
  /** What of it does not count, and why. */
  refused: string[];
}

const MAX_NAME = 255;
/** Reasons that are kept of one dump. */
const MOST_REASONS = 3;
/** No list, pattern, macro, comment or path of any core's. */
const HOST = /^[\p{L}\p{N}_][\p{L}\p{N}_.:@+-]*(?: [\p{L}\p{N}_.:@+-]+)*$/u;
/** A `;` ends an argument of a command; spaces at the ends are lost on the way. */
const DESCRIPTION = /^(?! )[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs};]+(?<! )$/u;
/** What ends a record or a command, in a text that has one line. */
const BREAKS = /[\n\0]/;
const CONTROLS = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]/gu;
const CONTROLS_BUT_LINES = /(?!\n)[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]/gu;
/** It begins performance data. */
const BAR = /\|/g;

/** Reads a dump of a site whose host names get this prefix. Throws an Error when it is none. */
export function readDump(body: Buffer, prefix: string): Dump {
  const { reset, complete, hosts, services, gone } = parse(body);
  const dump: Dump = {
    reset,
    complete,
    hosts: new Map(),
    services: new Map(),
    gone: [],
    refused: [],
  };
  let refused = 0;
  const each = <T>(records: readonly T[], take: (record: T) => void): void => {
    for (const record of records) {
      try {
        take(record);
      } catch (error) {
        if (++refused <= MOST_REASONS) dump.refused.push((error as Error).message);
      }
    }
  };
  each(hosts, ([name, state, output, long, perf, alias, address]) => {
    const host = hostName(prefix, name);
    const status = statusOf(host, Math.min(state, 2), output, long, perf);
    dump.hosts.set(host, { ...status, alias: lineOf(alias, MAX_NAME), address: lineOf(address, MAX_NAME) });
  });
  each(services, ([name, description, state, output, long, perf]) => {
    const host = hostName(prefix, name);
    const status = statusOf(`${host}/${description}`, state, output, long, perf);
    const known = dump.services.get(host) ?? new Map<string, Status>();
    known.set(descriptionOf(description), status);
    dump.services.set(host, known);
  });
  each(gone, ([name, description]) => {
    const host = hostName(prefix, name);
    dump.gone.push(description === undefined ? [host] : [host, descriptionOf(description)]);
  });
  if (refused > MOST_REASONS) dump.refused.push(`${refused - MOST_REASONS} more`);
  return dump;
}

function parse(body: Buffer): DumpBody {
  let value: unknown;
  try {
    value = JSON.parse(body.toString("utf8"));
  } catch {
    throw new Error("a dump is not JSON");
  }
  const parsed = dumpBody.safeParse(value);
  if (!parsed.success) throw new Error("a dump is not as agreed");
  const { hosts, services, gone } = parsed.data;
  if (hosts.length + services.length + gone.length > MAX_DUMP_OBJECTS) {
    throw new Error(`a dump has more than ${MAX_DUMP_OBJECTS} objects`);
  }
  return parsed.data;
}

function hostName(prefix: string, name: string): string {
  const whole = `${prefix}${name}`;
  if (whole.length > MAX_NAME || !HOST.test(name)) {
    throw new Error(`a host cannot be called ${quoted(name)} here`);
  }
  return whole;
}

function descriptionOf(description: string): string {
  if (description.length > MAX_NAME || !DESCRIPTION.test(description)) {
    throw new Error(`a service cannot be called ${quoted(description)} here`);
  }
  return description;
}

function statusOf(name: string, state: number, output: string, long: string, perf: string): Status {
  if (BREAKS.test(output) || BREAKS.test(perf)) {
    throw new Error(`what ${quoted(name)} says is more than one line`);
  }
  return {
    state,
    output: lineOf(output, MAX_OUTPUT).replace(BAR, "¦"),
    perfData: lineOf(perf, MAX_OUTPUT).trim(),
    longOutput: long.slice(0, MAX_LONG_OUTPUT).replace(CONTROLS_BUT_LINES, " ").replace(BAR, "¦"),
  };
}

function lineOf(text: string, most: number): string {
  return text.slice(0, most).replace(CONTROLS, " ");
}

function quoted(name: string): string {
  return `"${printable(name, 80)}"`;
}
