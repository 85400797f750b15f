/** CHANGELOG.md as a Debian changelog (deb-changelog(5)). */
import type { Release } from "./release.ts";

/** One release of CHANGELOG.md: its heading, and its points as plain text. */
export interface Changes {
  /** "Unreleased", or a version. */
  title: string;
  /** YYYY-MM-DD; undefined for what is unreleased. */
  date: string | undefined;
  points: string[];
}

const WIDTH = 78;
const SECTION = /^## \[([^\]]+)\](?: - (\d{4}-\d{2}-\d{2}))?/;

/** Reads a changelog in the format of Keep a Changelog. */
export function readChanges(markdown: string): Changes[] {
  const all: Changes[] = [];
  for (const line of markdown.split("\n")) {
    const section = SECTION.exec(line);
    const points = all.at(-1)?.points;
    if (section) all.push({ title: section[1] ?? "", date: section[2], points: [] });
    else if (line.startsWith("- ")) points?.push(line.slice(2));
    else if (/^ {2}\S/.test(line) && points?.length) points.push(`${points.pop()} ${line.trim()}`);
  }
  return all.map((each) => ({ ...each, points: each.points.map(plain) }));
}

/** Without Markdown's code and links. */
function plain(text: string): string {
  return text.replace(/`/g, "").replace(/\[([^\]]+)\]\([^)]*\)/g, "$1");
}

/** The changelog of a package; what is unreleased belongs to the version that is being built. */
export function debianChangelog(
  changes: readonly Changes[],
  { version, epoch, maintainer }: Release,
): string {
  const entries = changes
    .filter(({ points }) => points.length > 0)
    .map(({ title, date, points }) => {
      const time = date === undefined ? epoch * 1000 : Date.parse(date);
      return [
        `farsite (${title === "Unreleased" ? version : title}) unstable; urgency=medium`,
        "",
        ...points.flatMap((point) => wrap(point, "  * ", "    ")),
        "",
        ` -- ${maintainer}  ${mailDate(time)}`,
        "",
      ].join("\n");
    });
  return entries.join("\n");
}

/** As RFC 5322 has it, in UTC. */
function mailDate(ms: number): string {
  return new Date(ms).toUTCString().replace("GMT", "+0000");
}

/** Text in lines of at most 78 characters; a longer word stays whole. */
export function wrap(text: string, first: string, following: string): string[] {
  const lines: string[] = [];
  let line = first;
  for (const word of text.split(/\s+/)) {
    if (line !== first && line !== following && line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = following;
    }
    line += line === first || line === following ? word : ` ${word}`;
  }
  return [...lines, line];
}
