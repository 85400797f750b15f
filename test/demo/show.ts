/** What the demonstration prints: for a reader who has never seen Farsite. */

const BOLD = process.stdout.isTTY ? "\x1b[1m" : "";
const PLAIN = process.stdout.isTTY ? "\x1b[0m" : "";
const STATES = ["OK", "WARN", "CRIT", "UNKN"];

export function say(text = ""): void {
  process.stdout.write(`${text}\n`);
}

export function step(text: string): void {
  say(`\n${BOLD}${text}${PLAIN}`);
}

/** Two lists of lines beside each other. */
export function sideBySide(titles: readonly [string, string], left: string[], right: string[]): void {
  const width = Math.max(titles[0].length, ...left.map((line) => line.length));
  say(`  ${titles[0].padEnd(width)}   ${titles[1]}`);
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    say(`  ${(left[i] ?? "").padEnd(width)}   ${right[i] ?? ""}`);
  }
}

/** One service row: host, description, state, output. */
export function problemLine(row: readonly unknown[]): string {
  const [host, service, state, output] = row;
  return `${STATES[Number(state)] ?? "?"} ${host} ${service}: ${String(output).split(" - ")[0]}`.slice(0, 58);
}
