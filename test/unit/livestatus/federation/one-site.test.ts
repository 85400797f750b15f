import { expect, test } from "vitest";
import { Refusal } from "../../../../common/livestatus/index.ts";
import { coreSite, fixed16, Puppet, Rig, saying } from "./rig.ts";

const SITE = { id: 1, tenant: "a", name: "one" };
const HOSTS = { hosts: Array.from({ length: 50 }, (_, at) => ({ name: `host ${at}` })) };
const WANTED = { text: "GET hosts\nColumns: name", largest: 10_000, within: 5_000 };

test("a site's rows come whole, in whatever pieces", async () => {
  const rig = new Rig().add("a/one", coreSite(HOSTS, "icinga", 7));
  const rows = await rig.federation.oneSite.rows(SITE, "test", WANTED);
  expect(rows).toEqual(HOSTS.hosts.map(({ name }) => [name]));
});

test.each<[string, Parameters<typeof saying>, Partial<typeof WANTED>, number, string]>([
  ["an error of the core", [fixed16(404, "no such table")], {}, 404, "no such table"],
  [
    "too much",
    [fixed16(200, '[["0123456789"],["0123456789"]]')],
    { largest: 20 },
    413,
    "larger than 20 bytes",
  ],
  ["junk", [fixed16(200, "{}")], {}, 502, "not a list of rows"],
  ["half an answer", [fixed16(200, "[[1]]").subarray(0, 18), "cut"], {}, 502, "broke off"],
  ["a refusal", ["", new Refusal(502, "the site is down")], {}, 502, "the site is down"],
])("%s is a refusal", async (_, told, change, code, message) => {
  const rig = new Rig().add("a/one", saying(...told));
  const asked = rig.federation.oneSite.rows(SITE, "test", { ...WANTED, ...change });
  await expect(asked).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
  expect(rig.clock.pending).toBe(0);
});

test("a site that is silent is given up, and told so; so is one that does not take a command", async () => {
  const puppet = new Puppet();
  const rig = new Rig().add("a/one", puppet);
  const { oneSite } = rig.federation;
  const given = [oneSite.rows(SITE, "test", WANTED), oneSite.tell(SITE, "test", "[1700000000] X", 5_000)];
  rig.clock.advance(5_001);
  for (const each of given) await expect(each).rejects.toMatchObject({ code: 502 });
  expect(puppet.cancelled).toBe(2);
});

test("the site's policy is asked first", async () => {
  const rig = new Rig().add("a/one", coreSite(HOSTS));
  rig.verdict = ({ name }, { target }) => new Refusal(403, `${target} is not open at ${name}`);
  const { oneSite } = rig.federation;
  await expect(oneSite.rows(SITE, "test", WANTED)).rejects.toMatchObject({
    message: "hosts is not open at one",
  });
  await expect(oneSite.tell(SITE, "test", "[1] X", 5_000)).rejects.toMatchObject({ code: 403 });
  expect(rig.asked).toEqual([]);
});

test("no text is more than one request", async () => {
  const rig = new Rig().add("a/one", coreSite(HOSTS));
  const { oneSite } = rig.federation;
  const text = "GET hosts\nFilter: name = x\n\nCOMMAND [1] STOP";
  await expect(oneSite.rows(SITE, "test", { ...WANTED, text })).rejects.toMatchObject({ code: 400 });
  await expect(oneSite.tell(SITE, "test", "[1] X\n\nGET hosts", 5_000)).rejects.toMatchObject({ code: 400 });
  expect(rig.asked).toEqual([]);
});
