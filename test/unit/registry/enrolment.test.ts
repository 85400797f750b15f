import { expect, test } from "vitest";
import { hashSecret } from "../../../common/handshake/index.ts";
import { systemRandom } from "../../../common/random.ts";
import { codeOf, HOUR, query, type Rig, withSites } from "./rig.ts";

const key = (n: number) => Buffer.alloc(32, n);

/** Redeems a token as the agent with the key `n` would. */
function redeem(rig: Rig, token: { id: Uint8Array; secret: Uint8Array }, n: number): Promise<unknown> {
  return rig.enrolment.redeem(token.id, token.secret, key(n), `host${n}`);
}

test("a token gives its site, and makes the key that uses it the site's", async () => {
  const rig = await withSites(["main"]);
  const token = await rig.enrolment.issue("test", "acme", "main", HOUR);
  expect(token.expires).toBe(rig.clock.wall() + HOUR);
  expect(await rig.enrolment.check(token.id, token.secret, key(1))).toMatchObject({
    tenant: "acme",
    name: "main",
  });
  expect((await rig.registry.site("acme", "main")).key).toBeUndefined();
  expect(await redeem(rig, token, 1)).toMatchObject({ key: key(1).toString("hex"), host: "host1" });
  expect(await rig.registry.siteOfKey(key(1))).toMatchObject({ tenant: "acme", name: "main", host: "host1" });
});

test("asking whether a token is good does not use it", async () => {
  const rig = await withSites(["main"]);
  const token = await rig.enrolment.issue("test", "acme", "main", HOUR);
  const before = await query(rig.store, "SELECT * FROM token");
  for (let i = 0; i < 3; i++) await rig.enrolment.check(token.id, token.secret, key(i));
  expect(await query(rig.store, "SELECT * FROM token")).toEqual(before);
});

test("a token is good up to its time and not at it", async () => {
  const rig = await withSites(["main"]);
  const token = await rig.enrolment.issue("test", "acme", "main", HOUR);
  rig.clock.advance(HOUR - 1);
  await rig.enrolment.check(token.id, token.secret, key(1));
  rig.clock.advance(1);
  expect(await codeOf(redeem(rig, token, 1))).toBe("E_TOKEN_EXPIRED");
});

test("of tokens that were made for a site only the newest is good; other sites' are untouched", async () => {
  const rig = await withSites(["main", "other"]);
  const other = await rig.enrolment.issue("test", "acme", "other", HOUR);
  const old = await rig.enrolment.issue("test", "acme", "main", HOUR);
  const newest = await rig.enrolment.issue("test", "acme", "main", HOUR);
  expect(await codeOf(redeem(rig, old, 1))).toBe("E_TOKEN_REVOKED");
  await redeem(rig, newest, 2);
  await redeem(rig, other, 3);
});

test("a second enrolment ends the first key, and only at that site", async () => {
  const rig = await withSites(["main", "other"]);
  await redeem(rig, await rig.enrolment.issue("test", "acme", "other", HOUR), 9);
  await redeem(rig, await rig.enrolment.issue("test", "acme", "main", HOUR), 1);
  await redeem(rig, await rig.enrolment.issue("test", "acme", "main", HOUR), 2);
  expect(await Promise.all([1, 2, 9, 7].map((n) => codeOf(rig.registry.siteOfKey(key(n)))))).toEqual([
    "E_KEY_REVOKED",
    "done",
    "done",
    "E_KEY_UNKNOWN",
  ]);
});

test("revoking a site ends its key and its open token", async () => {
  const rig = await withSites(["main"]);
  await redeem(rig, await rig.enrolment.issue("test", "acme", "main", HOUR), 1);
  const unused = await rig.enrolment.issue("test", "acme", "main", HOUR);
  expect((await rig.registry.revoke("test", "acme", "main")).key).toBeUndefined();
  expect(await codeOf(rig.registry.siteOfKey(key(1)))).toBe("E_KEY_REVOKED");
  expect(await codeOf(redeem(rig, unused, 2))).toBe("E_TOKEN_REVOKED");
});

test("the key that used a token may use it again, also after it expired, and nothing changes", async () => {
  const rig = await withSites(["main"]);
  const token = await rig.enrolment.issue("test", "acme", "main", HOUR);
  await redeem(rig, token, 1);
  const tables = async () => [
    await query(rig.store, "SELECT * FROM token"),
    await query(rig.store, "SELECT * FROM agent_key"),
    await query(rig.store, "SELECT * FROM audit"),
  ];
  const before = await tables();
  rig.clock.advance(10 * HOUR);
  await redeem(rig, token, 1);
  expect(await tables()).toEqual(before);
  expect(await codeOf(redeem(rig, token, 2))).toBe("E_TOKEN_USED");
});

test("a key that ended may not use its token again", async () => {
  const rig = await withSites(["main"]);
  const token = await rig.enrolment.issue("test", "acme", "main", HOUR);
  await redeem(rig, token, 1);
  await redeem(rig, await rig.enrolment.issue("test", "acme", "main", HOUR), 2);
  expect(await codeOf(redeem(rig, token, 1))).toBe("E_KEY_REVOKED");
  expect((await rig.registry.site("acme", "main")).key).toBe(key(2).toString("hex"));
});

test("a wrong secret is refused as an unknown token, whatever became of the token", async () => {
  const rig = await withSites(["main"]);
  const token = await rig.enrolment.issue("test", "acme", "main", HOUR);
  const wrong = { id: token.id, secret: systemRandom.bytes(32) };
  expect(await codeOf(redeem(rig, wrong, 1))).toBe("E_TOKEN_UNKNOWN");
  await redeem(rig, token, 1);
  expect(await codeOf(redeem(rig, wrong, 1))).toBe("E_TOKEN_UNKNOWN");
  rig.clock.advance(2 * HOUR);
  expect(await codeOf(redeem(rig, wrong, 2))).toBe("E_TOKEN_UNKNOWN");
});

test("a key of another site, or one that ended before, is not enrolled a second time", async () => {
  const rig = await withSites(["main", "other"]);
  await redeem(rig, await rig.enrolment.issue("test", "acme", "other", HOUR), 1);
  const token = await rig.enrolment.issue("test", "acme", "main", HOUR);
  expect(await codeOf(redeem(rig, token, 1))).toBe("E_EXISTS");
  expect(await rig.registry.siteOfKey(key(1))).toMatchObject({ name: "other" });
  await redeem(rig, token, 2);
});

test("no token is made for a site that is not there", async () => {
  const rig = await withSites([]);
  expect(await codeOf(rig.enrolment.issue("test", "acme", "main", HOUR))).toBe("E_NOT_FOUND");
});

test("a secret is nowhere in the database, only its hash", async () => {
  const rig = await withSites(["main"]);
  const token = await rig.enrolment.issue("test", "acme", "main", HOUR);
  await redeem(rig, token, 1);
  await rig.enrolment.issue("test", "acme", "main", HOUR);
  const secret = Buffer.from(token.secret);
  const tables = await query(rig.store, "SELECT name FROM sqlite_master WHERE type = 'table'");
  expect(tables.length).toBeGreaterThan(5);
  const cells: Buffer[] = [];
  for (const { name } of tables) {
    for (const row of await query(rig.store, `SELECT * FROM ${name}`)) {
      for (const value of Object.values(row)) {
        cells.push(value instanceof Uint8Array ? Buffer.from(value) : Buffer.from(String(value)));
      }
    }
  }
  const holds = (needle: Buffer | string) => cells.some((cell) => cell.includes(needle));
  // the search itself finds what is there
  expect(holds(hashSecret(secret).toString("hex"))).toBe(true);
  expect(holds(Buffer.from(token.id).toString("hex"))).toBe(true);
  for (const form of ["hex", "base64", "base64url", "latin1", "utf8"] as const) {
    expect([form, holds(secret.toString(form))]).toEqual([form, false]);
  }
  expect(holds(secret.toString("hex").toUpperCase())).toBe(false);
  expect(holds(secret)).toBe(false);
  expect(holds(secret.subarray(0, 8))).toBe(false);
});
