import { describe, expect, test } from "vitest";
import { OWN, problem, SECRET, TestCentral } from "../../lab/central.ts";
import { applied, site, TestLedger, told } from "./rig.ts";

const ACME = site("acme/berlin", "127.64.0.1");
const GLOBEX = site("globex/paris", "127.64.0.2");
const BOTH = [ACME, GLOBEX];
const COLLECTION = "/domain-types/site_connection/collections/all";

const changesOf = (central: TestCentral) => central.seen.filter(({ method }) => method !== "GET");

describe.each(["2.2.0p40", "2.3.0p25", "2.3.0p26", "2.4.0p3", "2.5.0"])(
  "a central site with %s",
  (release) => {
    test.each([{}, { replicate: true }, { unix: true }, { urlPrefix: "/{site}/", alias: "{site}" }])(
      "takes new connections, again, and changed ones: %j",
      async (wishes) => {
        const central = new TestCentral({ release });
        const ledger = new TestLedger();
        const first = await applied(central, ledger, BOTH, { wishes });
        expect(told(first)).toEqual(["acme/berlin create", "globex/paris create"]);
        expect([...central.sites.keys()]).toEqual([OWN, "berlin", "paris"]);

        central.seen.length = 0;
        const again = await applied(central, ledger, BOTH, { wishes });
        expect(told(again)).toEqual(["acme/berlin keep", "globex/paris keep"]);
        expect(changesOf(central)).toEqual([]);

        const moved = [{ ...ACME, tenant: "acme", address: "127.64.0.9" }, GLOBEX];
        const options = { wishes: { ...wishes, alias: "now {site}" } };
        expect(told(await applied(central, ledger, moved, options))).toEqual([
          "acme/berlin update",
          "globex/paris update",
        ]);
        expect(central.sites.get("berlin")).toMatchObject({ basic_settings: { alias: "now berlin" } });
        if (!wishes.unix) expect(central.socket("berlin")).toContain("127.64.0.9");
        expect(told(await applied(central, ledger, moved, options))).toEqual([
          "acme/berlin keep",
          "globex/paris keep",
        ]);
      },
    );

    test("begins and keeps distributed setup", async () => {
      const central = new TestCentral({ release });
      const ledger = new TestLedger();
      await applied(central, ledger, [ACME]);
      const [outcome] = await applied(central, ledger, [ACME], { wishes: { replicate: true } });
      expect(outcome?.action).toBe("update");
      expect(central.sites.get("berlin")?.configuration_connection).toMatchObject({
        enable_replication: true,
        url_of_remote_site: "http://127.64.0.1:5000/berlin/check_mk/",
      });
      // what is not asked for stays
      expect(told(await applied(central, ledger, [ACME]))).toEqual(["acme/berlin keep"]);
    });
  },
);

test("a release that is to come is spoken to as the newest known", async () => {
  const central = new TestCentral({ release: "2.5.0" });
  central.answer("GET /version", () =>
    Response.json({ versions: { checkmk: "3.1.0p2" }, edition: "community" }),
  );
  expect(told(await applied(central, new TestLedger(), [ACME], { wishes: { replicate: true } }))).toEqual([
    "acme/berlin create",
  ]);
});

test("what the administrator has set in a connection stays, its login too", async () => {
  const central = new TestCentral({ release: "2.3.0p10" });
  const ledger = new TestLedger();
  await applied(central, ledger, [ACME], { wishes: { replicate: true } });
  const config = central.sites.get("berlin") as Record<string, Record<string, unknown>>;
  Object.assign(config, { secret: "login-secret" });
  Object.assign(config.status_connection as object, {
    connect_timeout: 7,
    connection: { socket_type: "tcp", host: "127.64.0.1", port: 6557, encrypted: true, verify: false },
    proxy: { use_livestatus_daemon: "with_proxy", global_settings: true },
  });
  Object.assign(config.configuration_connection as object, { replicate_extensions: false });
  Object.assign(config.basic_settings as object, { alias: "Berlin, Mitte" });
  const moved = [{ ...ACME, address: "127.64.0.9" }];
  const [outcome] = await applied(central, ledger, moved, { wishes: { replicate: true } });
  expect(outcome?.changes).toEqual([
    { path: "status_connection.connection.host", from: "127.64.0.1", to: "127.64.0.9" },
    {
      path: "configuration_connection.url_of_remote_site",
      from: "http://127.64.0.1:5000/berlin/check_mk/",
      to: "http://127.64.0.9:5000/berlin/check_mk/",
    },
  ]);
  expect(central.sites.get("berlin")).toMatchObject({
    secret: "login-secret",
    basic_settings: { alias: "Berlin, Mitte" },
    status_connection: {
      connect_timeout: 7,
      connection: { host: "127.64.0.9", encrypted: true, verify: false },
      proxy: { use_livestatus_daemon: "with_proxy" },
    },
    configuration_connection: { replicate_extensions: false },
  });
  expect(JSON.stringify(outcome)).not.toContain("login-secret");
});

describe("a dry run", () => {
  test("says what would be, and asks only", async () => {
    const central = new TestCentral();
    const ledger = new TestLedger();
    await applied(central, ledger, [ACME]);
    central.seen.length = 0;
    const options = { dryRun: true, prune: true, wishes: { alias: "{site}!" } };
    const outcomes = await applied(central, ledger, [{ ...ACME, address: "127.64.0.9" }, GLOBEX], options);
    expect(told(outcomes)).toEqual(["acme/berlin update", "globex/paris create"]);
    expect(outcomes[0]?.changes).toEqual([
      { path: "basic_settings.alias", from: "acme/berlin", to: "berlin!" },
      { path: "status_connection.connection.host", from: "127.64.0.1", to: "127.64.0.9" },
    ]);
    expect(outcomes[1]?.changes).toContainEqual({
      path: "status_connection.connection.host",
      to: "127.64.0.2",
    });
    expect(told(await applied(central, ledger, [], options))).toEqual(["acme/berlin remove"]);
    expect(changesOf(central)).toEqual([]);
    expect([...ledger.made.keys()]).toEqual(["berlin"]);
  });
});

test("a site that cannot have distributed setup fails alone", async () => {
  const bare = { ...ACME, services: ["livestatus"] };
  const outcomes = await applied(new TestCentral(), new TestLedger(), [bare, GLOBEX], {
    wishes: { replicate: true },
  });
  expect(told(outcomes)).toEqual(["acme/berlin E_SITE_ID", "globex/paris create"]);
});

test("the managed edition is told the customer: the tenant, or who is named", async () => {
  const central = new TestCentral({ edition: "cme", customers: ["acme", "c_globex"] });
  const ledger = new TestLedger();
  const outcomes = await applied(central, ledger, BOTH);
  expect(told(outcomes)).toEqual(["acme/berlin create", "globex/paris E_CHECKMK_REFUSED"]);
  expect(outcomes[1]?.error?.hint).toBe("site_config.basic_settings.customer: Customer not found.");
  expect(ledger.made.has("paris")).toBe(false);
  const wishes = { customer: "c_{tenant}" };
  expect(told(await applied(central, ledger, [GLOBEX], { wishes }))).toEqual(["globex/paris create"]);
  expect(told(await applied(central, ledger, BOTH))).toEqual(["acme/berlin keep", "globex/paris keep"]);
});

test("status hosts are set, and must exist", async () => {
  const central = new TestCentral();
  const ledger = new TestLedger();
  central.hosts.add("acme-berlin");
  const wishes = { statusHost: { site: OWN, host: "{tenant}-{site}" } };
  const outcomes = await applied(central, ledger, BOTH, { wishes });
  expect(told(outcomes)).toEqual(["acme/berlin create", "globex/paris E_CHECKMK_REFUSED"]);
  expect(outcomes[1]?.error?.hint).toBe("site_config.status_connection.status_host.host: Host not found.");
  expect(told(await applied(central, ledger, [ACME]))).toEqual(["acme/berlin keep"]);
});

describe("with ETags", () => {
  async function made(): Promise<{ central: TestCentral; ledger: TestLedger }> {
    const central = new TestCentral({ etags: true });
    const ledger = new TestLedger();
    await applied(central, ledger, [ACME]);
    central.seen.length = 0;
    return { central, ledger };
  }
  const moved = [{ ...ACME, address: "127.64.0.9" }];
  const touch = (central: TestCentral, alias: string) =>
    Object.assign(central.sites.get("berlin")?.basic_settings as object, { alias });

  test("a change names what it was made from", async () => {
    const { central, ledger } = await made();
    const etag = central.etag("berlin");
    expect(told(await applied(central, ledger, moved))).toEqual(["acme/berlin update"]);
    expect(changesOf(central).map(({ ifMatch }) => ifMatch)).toEqual([etag]);
  });

  test("one that somebody changes at the same time is read and changed once more", async () => {
    const { central, ledger } = await made();
    central.before = ({ method }) => {
      if (method === "PUT" && changesOf(central).length === 1) touch(central, "theirs");
    };
    expect(told(await applied(central, ledger, moved))).toEqual(["acme/berlin update"]);
    expect(central.sites.get("berlin")).toMatchObject({ basic_settings: { alias: "theirs" } });
    expect(central.socket("berlin")).toContain("127.64.0.9");
  });

  test("one that somebody changes again and again is given up", async () => {
    const { central, ledger } = await made();
    central.before = ({ method }) => {
      if (method === "PUT") touch(central, `theirs ${central.seen.length}`);
    };
    const [outcome] = await applied(central, ledger, moved);
    expect(outcome?.error).toMatchObject({
      code: "E_CHECKMK_CONFLICT",
      message: expect.stringContaining("412"),
    });
    expect(changesOf(central)).toHaveLength(2);
    expect(central.socket("berlin")).toContain("127.64.0.1");
  });
});

describe("what goes wrong with one", () => {
  test.each([
    [409, "E_CHECKMK_CONFLICT"],
    [423, "E_CHECKMK_CONFLICT"],
    [422, "E_CHECKMK_REFUSED"],
    [400, "E_CHECKMK_REFUSED"],
    [500, "E_CHECKMK_ANSWER"],
    [503, "E_CHECKMK_ANSWER"],
  ])("HTTP %i does not keep it from the next", async (status, code) => {
    const central = new TestCentral();
    const ledger = new TestLedger();
    central.answer(`POST ${COLLECTION}`, () => problem(status, "Title", "why"));
    const outcomes = await applied(central, ledger, BOTH);
    expect(told(outcomes)).toEqual([`acme/berlin ${code}`, "globex/paris create"]);
    expect(outcomes[0]?.error?.message).toContain("Title: why");
    // after a fault of the server's it may be there all the same
    expect(ledger.made.has("berlin")).toBe(status >= 500);
    expect(told(await applied(central, ledger, BOTH))).toEqual(["acme/berlin create", "globex/paris keep"]);
  });

  test("a connection that was made though the answer was lost is known again", async () => {
    const central = new TestCentral();
    const ledger = new TestLedger();
    const plain = central.fetch;
    let lost = false;
    Object.assign(central, {
      fetch: async (url: string, init: BunFetchRequestInit) => {
        const response = await plain(url, init);
        if (init.method !== "POST" || lost) return response;
        lost = true;
        throw Object.assign(new Error("The socket connection was closed unexpectedly."), {
          code: "ECONNRESET",
        });
      },
    });
    expect(told(await applied(central, ledger, [ACME]))).toEqual(["acme/berlin E_CHECKMK_UNREACHABLE"]);
    expect(told(await applied(central, ledger, [ACME]))).toEqual(["acme/berlin keep"]);
  });

  test.each([
    ["a lost secret", 401],
    ["a lost permission", 403],
  ])("%s ends all", async (_, status) => {
    const central = new TestCentral();
    central.answer(`POST ${COLLECTION}`, () => problem(status, "No", SECRET));
    const outcomes = await applied(central, new TestLedger(), BOTH);
    expect(told(outcomes)).toEqual(["acme/berlin E_CHECKMK_AUTH", "globex/paris E_CHECKMK_AUTH"]);
    expect(outcomes[1]?.error?.message).toBe("not tried after that");
    expect(changesOf(central)).toHaveLength(1);
    expect(JSON.stringify(outcomes.map(({ error }) => error?.message))).not.toContain(SECRET);
  });

  test("a connection that is not as the API promises hides no other", async () => {
    const central = new TestCentral();
    const ledger = new TestLedger();
    await applied(central, ledger, BOTH);
    central.sites.set("berlin", { ...central.sites.get("berlin"), status_connection: {} });
    const outcomes = await applied(central, ledger, BOTH);
    expect(told(outcomes)).toEqual(["acme/berlin E_CHECKMK_FOREIGN", "globex/paris keep"]);
  });
});

test("a central site whose API has no site connections is told so", async () => {
  await expect(
    applied(new TestCentral({ release: "2.1.0p40" }), new TestLedger(), BOTH),
  ).rejects.toMatchObject({
    code: "E_CHECKMK_ANSWER",
    hint: expect.stringContaining("sites.mk"),
  });
});
