/** `etc/omd/site.conf`: lines CONFIG_NAME='VALUE' that a shell reads, too. They are taken as data, never run. */

/** Lines that are looked at; a site has some 40. */
const MAX_LINES = 1000;

const LINE = /^CONFIG_([A-Z][A-Z0-9_]{0,63})=(?:'([^']*)'|"([^"$`\\]*)"|([\w.:/@,+-]*))$/;

/** Settings by their names without CONFIG_. What is no such line is among the problems. */
export function parseSiteConf(text: string, problems: string[]): Map<string, string> {
  const settings = new Map<string, string>();
  const lines = text.split("\n");
  if (lines.length > MAX_LINES) problems.push(`site.conf: only the first ${MAX_LINES} lines were looked at`);
  const wrong: number[] = [];
  for (const [index, raw] of lines.slice(0, MAX_LINES).entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const [, name, single, double, bare] = LINE.exec(line) ?? [];
    if (name === undefined) wrong.push(index + 1);
    else settings.set(name, single ?? double ?? bare ?? "");
  }
  if (wrong.length > 0) {
    const more = wrong.length > 1 ? ` and ${wrong.length - 1} more` : "";
    problems.push(`site.conf: line ${wrong[0]}${more}: not CONFIG_NAME='VALUE'`);
  }
  return settings;
}

/** Reads single settings, and notes those that make no sense. */
export class Settings {
  constructor(
    private readonly values: ReadonlyMap<string, string>,
    private readonly problems: string[],
  ) {}

  text(name: string): string | undefined {
    return this.values.get(name);
  }

  /** Whether it is switched on. */
  on(name: string): boolean {
    return this.values.get(name) === "on";
  }

  /** 1 to 65535; undefined when it is missing, or no port. */
  port(name: string): number | undefined {
    const text = this.values.get(name);
    if (text === undefined || text === "") return undefined;
    const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
    if (port >= 1 && port <= 65_535) return port;
    this.problems.push(`site.conf: CONFIG_${name} is no port`);
    return undefined;
  }
}
