/**
 * Reads what Checkmk's agent prints in the section `local` as strictly as its documentation has it
 * (https://docs.checkmk.com/latest/en/localchecks.html), written apart from what prints it.
 */

export interface Metric {
  value: number;
  warn?: number;
  crit?: number;
}

export interface Service {
  state: number;
  metrics: Record<string, Metric>;
  summary: string;
  details: string[];
}

/** By host, `""` for the agent's own, then by service. */
export type Hosts = Record<string, Record<string, Service>>;

const LINE = /^([0123P]) "([^"']+)" ([^ ]+) (\S.*)$/;
const METRIC = /^([A-Za-z_]\w*)=(-?\d+(?:\.\d+)?)(?:;(\d+(?:\.\d+)?);(\d+(?:\.\d+)?))?$/;

/** Throws at the first line that is not as it has to be. */
export function parseLocal(output: string): Hosts {
  if (!output.endsWith("\n")) throw new Error("the last line has no end");
  const hosts: Hosts = {};
  let host = "";
  let section: string | undefined;
  for (const line of output.slice(0, -1).split("\n")) {
    const piggyback = /^<<<<([\w.-]*)>>>>$/.exec(line);
    if (piggyback) {
      host = piggyback[1] ?? "";
      section = undefined;
    } else if (line.startsWith("<<<")) {
      if (line !== "<<<local:sep(0)>>>") throw new Error(`another section: ${line}`);
      section = "local";
    } else {
      if (section === undefined) throw new Error(`a line outside any section: ${line}`);
      const services = hosts[host] ?? {};
      hosts[host] = services;
      const [name, service] = parseLine(line);
      if (services[name]) throw new Error(`twice: ${name}`);
      services[name] = service;
    }
  }
  if (host !== "") throw new Error("the piggyback data has no end");
  return hosts;
}

/** What a script in the agent's folder of local checks prints: the agent has begun the section. */
export const parseLocalScript = (output: string) =>
  output === "" ? {} : (parseLocal(`<<<local:sep(0)>>>\n${output}`)[""] ?? {});

function parseLine(line: string): [string, Service] {
  const match = LINE.exec(line);
  if (!match) throw new Error(`no local check: ${JSON.stringify(line)}`);
  const [, state = "", name = "", data = "", text = ""] = match;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not be there
  if (/[\u0000-\u001f\u007f]/.test(line)) throw new Error(`control characters: ${JSON.stringify(line)}`);
  const [summary = "", ...details] = text.split("\\n");
  return [name, { state: Number(state), metrics: data === "-" ? {} : parseMetrics(data), summary, details }];
}

function parseMetrics(data: string): Record<string, Metric> {
  const metrics: Record<string, Metric> = {};
  for (const entry of data.split("|")) {
    const match = METRIC.exec(entry);
    if (!match) throw new Error(`no metric: ${entry}`);
    const [, name = "", value, warn, crit] = match;
    if (metrics[name]) throw new Error(`twice: ${name}`);
    metrics[name] = {
      value: Number(value),
      ...(warn !== undefined && { warn: Number(warn), crit: Number(crit) }),
    };
  }
  return metrics;
}
