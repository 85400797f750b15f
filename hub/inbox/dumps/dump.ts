/**
 * Status dumps as they come from a customer's site: hostile until shown otherwise. Names end in files and commands of
 * a central core, so those that could mean something there are refused, each for itself: the rest of a dump counts.
 */
import type { z } from "zod";
import {
  DUMP,
  type DumpBody,
  dumpBody,
  MAX_DUMP_OBJECTS,
  MAX_LONG_OUTPUT,
  MAX_NAME,
  MAX_OUTPUT,
  MAX_SHADOW,
  type SHADOW,
  shadowBody,
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

/** What `cmcdump` prints of a host or service, behind its name: one line, as it is. */
export interface Shadow {
  shadow: string;
}

export interface HostStatus extends Status {
  alias: string;
  address: string;
}

/** A host, or a service of one. */
export type ObjectName = readonly [host: string] | readonly [host: string, description: string];

/** What a core is told of an object. */
export type Told = Status | Shadow;

/** Dumps of states, which any core understands, and of what `cmcdump` printed. */
export type DumpKind = typeof DUMP | typeof SHADOW;

export interface Dump {
  reset: boolean;
  complete: boolean;
  /** By names that begin with the site's prefix; here and below. */
  hosts: Map<string, HostStatus | Shadow>;
  /** By host, then by description. */
  services: Map<string, Map<string, Told>>;
  gone: ObjectName[];
  /** What of it does not count, and why. */
  refused: string[];
}

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
export function readDump(kind: DumpKind, body: Buffer, prefix: string): Dump {
  return kind === DUMP ? readStates(body, prefix) : readShadows(body, prefix);
}

function readStates(body: Buffer, prefix: string): Dump {
  const { hosts, services, ...rest } = parse(dumpBody, body);
  return gather(rest, prefix, (dump, each) => {
    each(hosts, ([name, state, output, long, perf, alias, address]) => {
      const host = hostName(prefix, name);
      const status = statusOf(host, Math.min(state, 2), output, long, perf);
      dump.hosts.set(host, { ...status, alias: lineOf(alias, MAX_NAME), address: lineOf(address, MAX_NAME) });
    });
    each(services, ([name, description, state, output, long, perf]) => {
      const host = hostName(prefix, name);
      const status = statusOf(`${host}/${description}`, state, output, long, perf);
      servicesOf(dump, host).set(descriptionOf(description), status);
    });
  });
}

function readShadows(body: Buffer, prefix: string): Dump {
  const { hosts, services, ...rest } = parse(shadowBody, body);
  return gather(rest, prefix, (dump, each) => {
    each(hosts, ([name, args]) => {
      const host = hostName(prefix, name);
      dump.hosts.set(host, shadowOf(host, args));
    });
    each(services, ([name, description, args]) => {
      const host = hostName(prefix, name);
      const shadow = shadowOf(`${host}/${description}`, args);
      servicesOf(dump, host).set(descriptionOf(description), shadow);
    });
  });
}

/** Takes records one by one: those that are refused do not keep others back. */
type Each = <T>(records: readonly T[], take: (record: T) => void) => void;

function gather(
  { reset, complete, gone }: Omit<DumpBody, "hosts" | "services">,
  prefix: string,
  fill: (dump: Dump, each: Each) => void,
): Dump {
  const dump: Dump = {
    reset,
    complete,
    hosts: new Map(),
    services: new Map(),
    gone: [],
    refused: [],
  };
  let refused = 0;
  const each: Each = (records, take) => {
    for (const record of records) {
      try {
        take(record);
      } catch (error) {
        if (++refused <= MOST_REASONS) dump.refused.push((error as Error).message);
      }
    }
  };
  fill(dump, each);
  each(gone, ([name, description]) => {
    const host = hostName(prefix, name);
    dump.gone.push(description === undefined ? [host] : [host, descriptionOf(description)]);
  });
  if (refused > MOST_REASONS) dump.refused.push(`${refused - MOST_REASONS} more`);
  return dump;
}

/** The services of a host among those of all. */
export function servicesOf({ services }: Pick<Dump, "services">, host: string): Map<string, Told> {
  const known = services.get(host);
  if (known) return known;
  const made = new Map<string, Told>();
  services.set(host, made);
  return made;
}

function parse<Body extends { hosts: unknown[]; services: unknown[]; gone: unknown[] }>(
  schema: z.ZodType<Body>,
  body: Buffer,
): Body {
  let value: unknown;
  try {
    value = JSON.parse(body.toString("utf8"));
  } catch {
    throw new Error("a dump is not JSON");
  }
  const parsed = schema.safeParse(value);
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

function shadowOf(name: string, args: string): Shadow {
  if (BREAKS.test(args)) throw new Error(`what ${quoted(name)} says is more than one line`);
  // cut short they would mean something else
  if (args.length > MAX_SHADOW) throw new Error(`what ${quoted(name)} says is too long`);
  return { shadow: lineOf(args, MAX_SHADOW) };
}

function lineOf(text: string, most: number): string {
  return text.slice(0, most).replace(CONTROLS, " ");
}

function quoted(name: string): string {
  return `"${printable(name, 80)}"`;
}
