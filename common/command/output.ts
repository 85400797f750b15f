/**
 * Standard output of the command lines: JSON for scripts, aligned columns for people. Much of what is printed
 * was said by somebody else; none of it reaches the terminal as a control character.
 */

import { visible, visibleLines } from "../text.ts";

/** Prints one JSON document. */
export function printJson(value: unknown): void {
  printLine(JSON.stringify(value, null, 2));
}

/** Prints text, which may have several lines. */
export function printLine(text: string): void {
  process.stdout.write(`${visibleLines(text)}\n`);
}

/** Prints a line on standard error. */
export function printError(text: string): void {
  process.stderr.write(`${visibleLines(text)}\n`);
}

/** Prints rows under a header, each column as wide as its widest cell. */
export function printTable(header: readonly string[], rows: readonly (readonly string[])[]): void {
  const cells = rows.map((row) => row.map(visible));
  const widths = header.map((title, column) =>
    cells.reduce((most, row) => Math.max(most, row[column]?.length ?? 0), title.length),
  );
  for (const row of [header, ...cells]) {
    printLine(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    );
  }
}

/** How long ago, in one unit: `12 s`, `3 min`, `5 h`, `2 d`. */
export function ago(iso: string | undefined, now: number): string {
  if (iso === undefined) return "-";
  const seconds = Math.max(0, Math.round((now - Date.parse(iso)) / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}
