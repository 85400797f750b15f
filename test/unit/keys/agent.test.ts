/** An agent's keys: what is tried when, and that what is on disk is enough to go on after any crash. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { type Credentials, type KeyStore, Keys } from "../../../agent/keys/index.ts";
import { hubKeysOf, keyStore, readEnrolled, writeEnrolled } from "../../../agent/state.ts";
import { KeyPair } from "../../../common/noise/index.ts";
import { systemRandom } from "../../../common/random.ts";

const pair = () => KeyPair.identity(systemRandom);

/** A folder with an enrolment. */
function enrolled(): { folder: string; identity: KeyPair; hub: KeyPair } {
  const folder = mkdtempSync(join(tmpdir(), "farsite-keys-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const [identity, hub] = [pair(), pair()];
  const hubKey = hub.publicKey.bytes.toString("base64");
  writeEnrolled(folder, { url: "wss://hub.example", hubKey, tenant: "acme", site: "main", identity });
  return { folder, identity, hub };
}

/** The keys as an agent that starts now finds them. */
function start(folder: string, store: KeyStore = keyStore(folder)): Keys {
  const { identity, next, ...rest } = readEnrolled(folder);
  return new Keys({ identity, next, hubKeys: hubKeysOf(rest), store, random: systemRandom });
}

/** Everything it tries until it gives up, when all is answered with a code. */
function tries(keys: Keys, code: "E_KEY_UNKNOWN" | "E_HUB_KEY"): Credentials[] {
  const tried: Credentials[] = [];
  for (;;) {
    const { credentials } = keys;
    tried.push(credentials);
    if (!keys.failed(credentials, code)) return tried;
  }
}

const name = ({ publicKey }: KeyPair) => publicKey.short;
const identities = (tried: Credentials[]) => tried.map(({ identity }) => name(identity));

test("a new key is tried only once the hub has taken it, and then is the only one, on disk too", () => {
  const { folder, identity } = enrolled();
  const keys = start(folder);
  const next = keys.makeNext();

  expect(identities(tries(keys, "E_KEY_UNKNOWN"))).toEqual([name(identity)]);
  expect(keys.taken(pair().publicKey.bytes)).toBe(false);
  expect(keys.taken(next.publicKey.bytes)).toBe(true);
  expect(name(keys.credentials.identity)).toBe(name(next));
  keys.proved(keys.credentials);
  expect(identities(tries(keys, "E_KEY_UNKNOWN"))).toEqual([name(next)]);
  expect(identities(tries(start(folder), "E_KEY_UNKNOWN"))).toEqual([name(next)]);
});

test("killed before it knew what became of its new key, it tries that first and then the other", () => {
  const { folder, identity } = enrolled();
  const next = start(folder).makeNext();
  const keys = start(folder);
  expect(identities(tries(keys, "E_KEY_UNKNOWN"))).toEqual([name(next), name(identity)]);
  // the hub never heard of it: the same key is offered again
  keys.failed(keys.credentials, "E_KEY_UNKNOWN");
  keys.proved(keys.credentials);
  expect(name(keys.identity)).toBe(name(identity));
  expect(name(keys.makeNext())).toBe(name(next));
});

test("a new key that could not be put in its place is found as the next one", () => {
  const { folder } = enrolled();
  const real = keyStore(folder);
  const full = () => {
    throw new Error("disk full");
  };
  const keys = start(folder, { ...real, keepIdentity: full });
  const next = keys.makeNext();
  keys.taken(next.publicKey.bytes);
  expect(() => keys.proved(keys.credentials)).toThrow("disk full");
  expect(name(keys.identity)).toBe(name(next));
  expect(name(start(folder).credentials.identity)).toBe(name(next));
});

test("a key that cannot be kept is not offered", () => {
  const { folder, identity } = enrolled();
  const keys = start(folder, {
    ...keyStore(folder),
    keepNext: () => {
      throw new Error("disk full");
    },
  });
  expect(() => keys.makeNext()).toThrow("disk full");
  expect(identities(tries(keys, "E_KEY_UNKNOWN"))).toEqual([name(identity)]);
});

test("of the hub's keys the newest is tried first, and the one before for a hub that was put back to it", () => {
  const { folder, hub } = enrolled();
  const newer = pair();
  const keys = start(folder);
  expect(keys.learnHubKey(hub.publicKey.bytes)).toBe(false);
  expect(keys.learnHubKey(newer.publicKey.bytes)).toBe(true);
  for (const each of [keys, start(folder)]) {
    const known = tries(each, "E_HUB_KEY").map(({ hubKey }) => Buffer.from(hubKey).toString("hex"));
    expect(known).toEqual([newer, hub].map(({ publicKey }) => publicKey.bytes.toString("hex")));
    expect(each.hubKey).toEqual(newer.publicKey.bytes);
  }
});

test("only the last two keys of the hub are remembered", () => {
  const { folder } = enrolled();
  const keys = start(folder);
  for (let n = 0; n < 5; n++) keys.learnHubKey(pair().publicKey.bytes);
  expect(tries(keys, "E_HUB_KEY")).toHaveLength(2);
});

test("any other refusal is not answered by trying other keys", () => {
  const { folder } = enrolled();
  start(folder).makeNext();
  const keys = start(folder);
  for (const code of ["E_KEY_REVOKED", "E_SITE_DISABLED", "E_HUB_UNREACHABLE"] as const)
    expect(keys.failed(keys.credentials, code)).toBe(false);
});

test("a new enrolment forgets the former one's keys", () => {
  const { folder, hub } = enrolled();
  const keys = start(folder);
  keys.makeNext();
  keys.learnHubKey(pair().publicKey.bytes);
  const identity = pair();
  const hubKey = hub.publicKey.bytes.toString("base64");
  writeEnrolled(folder, { url: "wss://hub.example", hubKey, tenant: "acme", site: "main", identity });
  const { next, hubKeys } = readEnrolled(folder);
  expect([next, hubKeys]).toEqual([undefined, undefined]);
});
