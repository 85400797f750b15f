import { expect, test } from "vitest";
import { debianChangelog, readChanges, wrap } from "../../../packaging/changelog.ts";

const RELEASE = {
  version: "0.2.0~git20260102030405.abc",
  commit: "abc",
  epoch: Date.UTC(2026, 0, 2, 3, 4, 5) / 1000,
  maintainer: "A Person <person@farsite.test>",
};

const MARKDOWN = `# Changelog

- not a change

## [Unreleased]

### Added

- A \`thing\` with [a link
  over two lines](docs/x.md).
- Another.

## [0.1.0] - 2025-12-24

### Fixed

- The first.

## [0.0.1] - 2025-01-01
`;

test("the points of each release become entries; what is unreleased belongs to the version that is built", () => {
  expect(debianChangelog(readChanges(MARKDOWN), RELEASE)).toBe(
    `farsite (0.2.0~git20260102030405.abc) unstable; urgency=medium

  * A thing with a link over two lines.
  * Another.

 -- A Person <person@farsite.test>  Fri, 02 Jan 2026 03:04:05 +0000

farsite (0.1.0) unstable; urgency=medium

  * The first.

 -- A Person <person@farsite.test>  Wed, 24 Dec 2025 00:00:00 +0000
`,
  );
});

test("long text is wrapped between words, with its own beginning of the first line and of the others", () => {
  const lines = wrap(`${"word ".repeat(40)}${"x".repeat(100)} end`, "  * ", "    ");
  expect(lines.slice(0, -3).every((line) => line.length <= 78 && line.length > 70)).toBe(true);
  expect(lines[0]).toMatch(/^ {2}\* word word/);
  expect(lines.slice(1).every((line) => /^ {4}\S/.test(line))).toBe(true);
  expect(lines.at(-2)).toBe(`    ${"x".repeat(100)}`);
  expect(lines.at(-1)).toBe("    end");
});
