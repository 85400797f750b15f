/** Spool files of a remote site, as Checkmk writes them, and those of a central site, as it reads them. */
import { randomUUID } from "node:crypto";
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Writes a notification that is to be forwarded, under a temporary name first; gives its name. */
export function writeNotification(
  folder: string,
  number: number,
  macros: Record<string, string> = {},
): string {
  const name = randomUUID();
  const context = {
    HOSTNAME: `host-${number % 10}`,
    NOTIFICATIONTYPE: "PROBLEM",
    SERVICEDESC: "CPU load",
    SERVICEOUTPUT: `CRIT - 15 min load \\"${number}\\" (warn/crit at 5.0/10.0)`,
    WHAT: "SERVICE",
    NUMBER: String(number),
    ...macros,
  };
  writeWhole(folder, name, `{'context': ${pythonDict(context)},\n 'forward': True}\n`);
  return name;
}

/** Writes a file under a temporary name, and gives it its own then. */
export function writeWhole(folder: string, name: string, text: string): void {
  const temporary = join(folder, `.${name}.new`);
  writeFileSync(temporary, text);
  renameSync(temporary, join(folder, name));
}

function pythonDict(context: Record<string, string>): string {
  const quoted = (text: string) =>
    `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'").replaceAll("\n", "\\n")}'`;
  return `{${Object.entries(context)
    .map(([name, value]) => `${quoted(name)}: ${quoted(value)}`)
    .join(",\n             ")}}`;
}
