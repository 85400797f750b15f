import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { FarsiteError } from "../../../common/errors.ts";
import {
  decodeToken,
  type EnrolmentToken,
  encodeToken,
  hashSecret,
  pskOf,
} from "../../../common/handshake/index.ts";
import { pack } from "../../../common/msgpack.ts";
import { secretOf } from "../noise/parties.ts";
import { Dice } from "../session/rig.ts";

const TOKEN: EnrolmentToken = {
  url: "wss://hub.example:8443",
  hubKey: secretOf("hub key"),
  certificate: secretOf("certificate"),
  id: secretOf("id").subarray(0, 8),
  secret: secretOf("secret"),
};
const TEXT = encodeToken(TOKEN);

/** A token of any body, with the checksum that belongs to it. */
function sealed(body: Uint8Array): string {
  const checksum = createHash("sha256").update(body).digest().subarray(0, 4);
  return `fst1_${Buffer.concat([body, checksum]).toString("base64url")}`;
}

/** What became of reading `text`: `read` when it is a token, or the code of the error. */
function outcome(text: string): string {
  try {
    decodeToken(text);
    return "read";
  } catch (error) {
    return error instanceof FarsiteError ? error.code : String(error);
  }
}

test("a token reads back as it was made", () => {
  expect(decodeToken(TEXT)).toEqual(TOKEN);
  const withoutCertificate = { ...TOKEN, certificate: undefined };
  expect(decodeToken(encodeToken(withoutCertificate))).toEqual(withoutCertificate);
});

test("a token is one word that a shell takes as it is", () => {
  expect(TEXT).toMatch(/^fst1_[A-Za-z0-9_-]+$/);
});

test.each([
  ["around it", ` \t${TEXT}\r\n`],
  ["of a line that was wrapped", TEXT.replace(/(.{40})/g, "$1\n    ")],
  ["between its characters", [...TEXT].join(" ")],
  ["that is no ASCII", `\u00a0\ufeff${TEXT}\u2028`],
])("white space %s is forgiven", (_, pasted) => {
  expect(decodeToken(pasted)).toEqual(TOKEN);
});

test("every single changed character is noticed", () => {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=.!é";
  const wrong: string[] = [];
  for (let at = 0; at < TEXT.length; at++) {
    for (const character of alphabet) {
      if (character === TEXT[at]) continue;
      const changed = TEXT.slice(0, at) + character + TEXT.slice(at + 1);
      if (outcome(changed) !== "E_TOKEN_MALFORMED") wrong.push(`${character} at ${at}: ${outcome(changed)}`);
    }
  }
  expect(wrong).toEqual([]);
});

test("every character too many is noticed", () => {
  const wrong: string[] = [];
  for (let at = 0; at <= TEXT.length; at++) {
    for (const character of "Az09-_+/=.!é") {
      const changed = TEXT.slice(0, at) + character + TEXT.slice(at);
      if (outcome(changed) !== "E_TOKEN_MALFORMED") wrong.push(`${character} at ${at}: ${outcome(changed)}`);
    }
  }
  expect(wrong).toEqual([]);
});

test("every truncation, at either end, is noticed", () => {
  for (let length = 0; length < TEXT.length; length++) {
    expect([length, outcome(TEXT.slice(0, length))]).toEqual([length, "E_TOKEN_MALFORMED"]);
    expect([length, outcome(TEXT.slice(TEXT.length - length))]).toEqual([length, "E_TOKEN_MALFORMED"]);
  }
});

test.each([
  ["nothing", ""],
  ["white space", " \n\t "],
  ["the prefix alone", "fst1_"],
  ["1 MiB of one letter", "A".repeat(1 << 20)],
  ["1 MiB after the prefix", `fst1_${"A".repeat(1 << 20)}`],
  ["1 MiB of white space", " ".repeat(1 << 20)],
  ["two tokens", TEXT + TEXT],
  ["a token of another kind", TEXT.replace("fst1_", "fst2_")],
])("%s is no token", (_, text) => {
  expect(outcome(text)).toBe("E_TOKEN_MALFORMED");
});

test.each([
  ["no array", pack({ url: TOKEN.url })],
  ["an array too short", pack([TOKEN.url, TOKEN.hubKey, null, TOKEN.id])],
  ["an array too long", pack([TOKEN.url, TOKEN.hubKey, null, TOKEN.id, TOKEN.secret, 1])],
  ["a hub key of 31 bytes", pack([TOKEN.url, TOKEN.hubKey.subarray(1), null, TOKEN.id, TOKEN.secret])],
  ["a fingerprint of 20 bytes", pack([TOKEN.url, TOKEN.hubKey, Buffer.alloc(20), TOKEN.id, TOKEN.secret])],
  ["an id of 9 bytes", pack([TOKEN.url, TOKEN.hubKey, null, Buffer.alloc(9), TOKEN.secret])],
  ["a secret that is text", pack([TOKEN.url, TOKEN.hubKey, null, TOKEN.id, "s".repeat(32)])],
  ["no MessagePack", Buffer.from([0xc1])],
  ["a URL that is none", pack(["hub.example", TOKEN.hubKey, null, TOKEN.id, TOKEN.secret])],
  ["a URL of another protocol", pack(["file:///etc/passwd", TOKEN.hubKey, null, TOKEN.id, TOKEN.secret])],
  ["a URL with a path", pack(["wss://hub.example/x", TOKEN.hubKey, null, TOKEN.id, TOKEN.secret])],
  ["a URL with a bad port", pack(["wss://hub.example:99999", TOKEN.hubKey, null, TOKEN.id, TOKEN.secret])],
])("a body that holds %s, with a good checksum, is refused", (_, body) => {
  expect(outcome(sealed(body))).toBe("E_TOKEN_MALFORMED");
});

test("junk never ends in anything but E_TOKEN_MALFORMED", () => {
  const dice = new Dice(2026);
  for (let i = 0; i < 2_000; i++) {
    const bytes = dice.bytes(dice.upTo(300));
    expect([i, outcome(bytes.toString("latin1"))]).toEqual([i, "E_TOKEN_MALFORMED"]);
    expect([i, outcome(`fst1_${bytes.toString("base64url")}`)]).toEqual([i, "E_TOKEN_MALFORMED"]);
    expect([i, outcome(sealed(bytes))]).toEqual([i, "E_TOKEN_MALFORMED"]);
  }
});

test("what is wrong with a token is said without repeating it", () => {
  try {
    decodeToken(TEXT.slice(0, -1));
    expect.unreachable();
  } catch (error) {
    expect((error as FarsiteError).message).toBe(
      "this is not an enrolment token: the token is incomplete or was changed",
    );
    expect(JSON.stringify(error)).not.toContain(TEXT.slice(20, 60));
  }
});

test("the pre-shared key cannot be made from what the hub keeps of a secret", () => {
  const made = [hashSecret(TOKEN.secret), pskOf(TOKEN.secret), Buffer.from(TOKEN.secret)];
  expect(new Set(made.map((bytes) => bytes.toString("hex"))).size).toBe(3);
  expect(made.map((bytes) => bytes.length)).toEqual([32, 32, 32]);
});
