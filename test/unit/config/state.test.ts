import { chmodSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { IDENTITY_FILE, isEnrolled, readEnrolled, writeHub } from "../../../agent/state.ts";
import { writeSecretFile } from "../../../common/files.ts";
import { writeIdentity } from "../../../common/identity.ts";
import { KeyPair } from "../../../common/noise/index.ts";
import { systemRandom } from "../../../common/random.ts";

const HUB = {
  url: "wss://hub.example",
  hubKey: KeyPair.identity(systemRandom).publicKey.bytes.toString("base64"),
  tenant: "acme",
  site: "main",
};

/** A state directory; with an enrolment in it unless it is to be empty. */
function directory(empty = false): string {
  const path = mkdtempSync(join(tmpdir(), "farsite-state-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  if (!empty) {
    writeIdentity(join(path, IDENTITY_FILE), KeyPair.identity(systemRandom));
    writeHub(path, HUB);
  }
  return path;
}

test("an enrolment reads back as it was written, and only its owner may read it", () => {
  const path = directory();
  expect(readEnrolled(path)).toMatchObject(HUB);
  expect(statSync(join(path, "hub.json")).mode & 0o777).toBe(0o600);
  expect(isEnrolled(path)).toBe(true);
});

test("an agent that was never enrolled is told how to be", () => {
  const path = directory(true);
  expect(isEnrolled(path)).toBe(false);
  expect(() => readEnrolled(path)).toThrow(
    expect.objectContaining({
      code: "E_NOT_ENROLLED",
      hint: expect.stringContaining("farsite-agent enroll TOKEN"),
    }),
  );
});

test.each([IDENTITY_FILE, "hub.json"])("without %s it is not enrolled", (file) => {
  const path = directory();
  rmSync(join(path, file));
  expect(() => readEnrolled(path)).toThrow(expect.objectContaining({ code: "E_NOT_ENROLLED" }));
});

test.each([
  ["is no JSON", "{"],
  ["is empty", ""],
  ["is another value", "[]"],
  ["lacks the site", JSON.stringify({ ...HUB, site: undefined })],
  ["has a tenant that is a path", JSON.stringify({ ...HUB, tenant: "../etc" })],
  ["has a key too many", JSON.stringify({ ...HUB, port: 1 })],
  ["has a hub key cut short", JSON.stringify({ ...HUB, hubKey: HUB.hubKey.slice(0, -8) })],
  ["has a hub key that is text", JSON.stringify({ ...HUB, hubKey: "the key" })],
])("a hub.json that %s is damaged, and said to be", (_, text) => {
  const path = directory();
  writeSecretFile(join(path, "hub.json"), text);
  expect(() => readEnrolled(path)).toThrow(
    expect.objectContaining({
      code: "E_STATE",
      message: `${join(path, "hub.json")} is damaged`,
      hint: "Enrol again with a new token.",
    }),
  );
});

test("a state that others may read is refused", () => {
  for (const file of [IDENTITY_FILE, "hub.json"]) {
    const path = directory();
    chmodSync(join(path, file), 0o644);
    expect(() => readEnrolled(path)).toThrow(expect.objectContaining({ code: "E_KEY_FILE" }));
  }
});
