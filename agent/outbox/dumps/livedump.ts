/**
 * What Checkmk's `livedump` prints: check results for Nagios, and with `-C` configuration for it. Nothing in it is
 * escaped, so that a text with several lines could look like a record: each is taken only as it must be, line by line.
 */
import { MAX_NAME } from "../../../common/outbox/index.ts";
import { Reading, textsOf } from "./record.ts";

/** Alias and address of hosts. */
export type Labels = ReadonlyMap<string, { alias: string; address: string }>;

/** The lines of a record behind its names, in their order. */
const REST = [
  /^check_type=1$/,
  /^check_options=0$/,
  /^reschedule_check$/,
  /^latency=-?\d{1,12}\.\d{2}$/,
  /^start_time=\d{1,12}\.\d$/,
  /^finish_time=\d{1,12}\.\d$/,
];
const CODE = /^return_code=([0-3])$/;
const OUTPUT = /^output=([^|]*)\|(.*)$/s;
const HOST = /^host_name=(.+)$/;
const SERVICE = /^service_description=(.+)$/;

/** Reads states. What was never checked is printed as 0 without a text, and left out. */
export function readLivedump(text: string, labels: Labels = new Map()): Reading {
  const reading = new Reading();
  const lines = text.split("\n");
  let at = 0;
  while (at < lines.length) {
    if (lines[at] === "") {
      at++;
      continue;
    }
    const end = lines.indexOf("", at);
    const record = end < 0 ? undefined : lines.slice(at, end);
    if (!record || !take(record, labels, reading))
      reading.refuse(`line ${at + 1} begins no record of livedump's`);
    at = end < 0 ? lines.length : end;
  }
  return reading;
}

/** Says whether these lines are a record. */
function take(lines: readonly string[], labels: Labels, reading: Reading): boolean {
  const [, host] = HOST.exec(lines[0] ?? "") ?? [];
  const [, description] = SERVICE.exec(lines[1] ?? "") ?? [];
  const rest = lines.slice(description === undefined ? 1 : 2);
  const [, code] = CODE.exec(rest[REST.length] ?? "") ?? [];
  const [, output, perf] = OUTPUT.exec(rest[REST.length + 1] ?? "") ?? [];
  if (host === undefined || code === undefined || output === undefined || perf === undefined) return false;
  if (rest.length !== REST.length + 2 || !REST.every((pattern, at) => pattern.test(rest[at] ?? "")))
    return false;
  if (code === "0" && output === "" && perf === "") return true;
  const texts = textsOf(output, "", perf);
  if (description === undefined) {
    const { alias = "", address = "" } = labels.get(host) ?? {};
    reading.add([host], { host: [host, Number(code), ...texts, alias, address] });
  } else reading.add([host, description], { service: [host, description, Number(code), ...texts] });
  return true;
}

const BEGIN = /^define ([a-z]+) \{$/;
const DIRECTIVE = /^\s+([a-z0-9_]+)\s+(\S.*?)\s*$/;

/** Reads alias and address of hosts from configuration. Throws an Error where it is none. */
export function readLivedumpConfig(text: string): Labels {
  const labels = new Map<string, { alias: string; address: string }>();
  let open: { kind: string; directives: Map<string, string> } | undefined;
  for (const [at, line] of text.split("\n").entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const [, kind] = open ? [] : (BEGIN.exec(line) ?? []);
    const [, key, value] = DIRECTIVE.exec(line) ?? [];
    if (kind !== undefined) open = { kind, directives: new Map() };
    else if (open && line.trim() === "}") {
      const { alias = "", address = "", host_name: name } = Object.fromEntries(open.directives);
      if (open.kind === "host" && name !== undefined) {
        labels.set(name, { alias: alias.slice(0, MAX_NAME), address: address.slice(0, MAX_NAME) });
      }
      open = undefined;
    } else if (open && key !== undefined && value !== undefined) open.directives.set(key, value);
    else throw new Error(`line ${at + 1} is no configuration as livedump prints it`);
  }
  if (open) throw new Error("livedump's configuration ends within a definition");
  return labels;
}
