/** The hub's own keys on disk. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { FarsiteError } from "../../../common/errors.ts";
import type { KeyPair } from "../../../common/noise/index.ts";
import { systemRandom } from "../../../common/random.ts";
import { HubKeys } from "../../../hub/keys/index.ts";

const DAY = 86_400_000;

function rig() {
  const directory = mkdtempSync(join(tmpdir(), "farsite-hub-keys-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const clock = { now: Date.now() };
  const open = () => new HubKeys({ directory, random: systemRandom, wall: () => clock.now });
  return { directory, clock, open };
}

function codeOf(run: () => unknown): string {
  try {
    run();
    return "done";
  } catch (error) {
    return error instanceof FarsiteError ? error.code : String(error);
  }
}

const names = (keys: readonly KeyPair[]) => keys.map(({ publicKey }) => publicKey.short);

test("a new key is the present one at once; the former is good for the overlap, and opens for longer", () => {
  const { clock, open } = rig();
  const keys = open();
  const [first] = names(keys.accepted);
  keys.rotate(10 * DAY);
  const second = keys.current.publicKey.short;
  expect(second).not.toBe(first);
  for (const each of [keys, open()]) expect(names(each.accepted)).toEqual([second, first]);
  clock.now += 10 * DAY;
  for (const each of [keys, open()]) {
    expect(names(each.accepted)).toEqual([second]);
    expect(each.former).toEqual([]);
    expect(names(each.opening)).toEqual([second, first]);
  }
});

test("former keys end at once when they are retired", () => {
  const { open } = rig();
  const keys = open();
  const first = keys.current.publicKey.short;
  keys.rotate(10 * DAY);
  keys.retire();
  for (const each of [keys, open()]) {
    expect(names(each.accepted)).toEqual([each.current.publicKey.short]);
    expect(names(each.opening)).toContain(first);
  }
});

test("killed between its two files, the hub still has the key that agents know", () => {
  const { directory, open } = rig();
  const keys = open();
  const secret = readFileSync(join(directory, "hub.key"));
  const first = keys.current.publicKey.short;
  keys.rotate(DAY);
  writeFileSync(join(directory, "hub.key"), secret);
  expect(names(open().accepted)).toEqual([first]);
});

test("so many former keys and no more", () => {
  const { clock, open } = rig();
  const keys = open();
  for (let n = 0; n < 4; n++) keys.rotate(10 * DAY);
  expect(codeOf(() => keys.rotate(10 * DAY))).toBe("E_EXISTS");
  expect(keys.accepted).toHaveLength(5);
  clock.now += 10 * DAY;
  keys.rotate(10 * DAY);
  expect(keys.accepted).toHaveLength(2);
});

test.each([
  ["not JSON", "{"],
  ["a key that is too short", '{"made":0,"former":[{"secret":"AAAA","until":1,"opens":1}]}'],
  ["a key without its times", '{"made":0,"former":[{"secret":"AAAA"}]}'],
])("a file with %s is refused, and says what to do", (_, text) => {
  const { directory, open } = rig();
  open();
  writeFileSync(join(directory, "hub-keys.json"), text, { mode: 0o600 });
  expect(codeOf(open)).toBe("E_KEY_FILE");
});
