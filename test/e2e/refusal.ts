/** What every failed command owes its reader: one clear message, the right exit status, nothing else. */
import { expect } from "vitest";
import type { ErrorCode } from "../../common/errors.ts";
import type { Finished } from "../lab/farsite.ts";

/**
 * Expects that a command failed as it should: `farsite-x: MESSAGE [CODE]` and indented lines of advice on
 * standard error, nothing on standard output, exit status 2 for wrong usage and 1 for all else.
 * @param says what the text must hold: what failed, where, what to do
 */
export function expectRefusal(finished: Finished, code: ErrorCode, ...says: (string | RegExp)[]): void {
  const { stderr } = finished;
  expect(finished, stderr).toMatchObject({ code: code === "E_USAGE" ? 2 : 1, stdout: "" });
  const [message, ...advice] = stderr.trimEnd().split("\n");
  expect(message).toMatch(new RegExp(`^farsite-(hub|agent): .+ \\[${code}\\]$`));
  for (const line of advice) expect(line).toMatch(/^ {2}\S/);
  for (const text of says) expect(stderr).toMatch(text);
  expectNoTrace(stderr);
}

/** No stack trace, no source file, no runtime's own words for a fault. */
export function expectNoTrace(printed: string): void {
  expect(printed).not.toMatch(/^\s+at .+[:(]|\.ts:\d+|node_modules|E_INTERNAL|Error:|\[object |undefined/m);
}
