/** Whose a connection is: what was made here is changed and removed, and nothing else. */
import { describe, expect, test } from "vitest";
import { FarsiteError } from "../../../common/errors.ts";
import type { Ledger } from "../../../hub/checkmk/rest/apply.ts";
import { OWN, TestCentral } from "../../lab/central.ts";
import { applied, site, TestLedger, told } from "./rig.ts";

const ACME = site("acme/berlin", "127.64.0.1");
const GLOBEX = site("globex/paris", "127.64.0.2");
const BOTH = [ACME, GLOBEX];
const object = (id: string) => `/objects/site_connection/${id}`;

/** As somebody has made it by hand. */
function byHand(central: TestCentral, id: string, host: string): void {
  central.sites.set(id, {
    basic_settings: { site_id: id, alias: "by hand" },
    status_connection: {
      connection: { socket_type: "tcp", host, port: 6557, encrypted: true, verify: true },
      proxy: { use_livestatus_daemon: "direct" },
      connect_timeout: 5,
      status_host: { status_host_set: "disabled" },
    },
    configuration_connection: { enable_replication: false },
  });
}

describe("a connection that was not made here", () => {
  test("is left alone, whatever it connects to, and the next one is made", async () => {
    for (const host of ["10.0.0.1", "127.64.0.1"]) {
      const central = new TestCentral();
      byHand(central, "berlin", host);
      const before = structuredClone(central.sites.get("berlin"));
      const outcomes = await applied(central, new TestLedger(), BOTH, { prune: true });
      expect(told(outcomes)).toEqual(["acme/berlin E_CHECKMK_FOREIGN", "globex/paris create"]);
      expect(outcomes[0]?.error?.message).toContain(`tcp:${host}:6557`);
      expect(outcomes[0]?.error?.hint).toContain("--adopt berlin");
      expect(central.sites.get("berlin")).toEqual(before);
    }
  });

  test("is taken over when that is said", async () => {
    const central = new TestCentral();
    const ledger = new TestLedger();
    byHand(central, "berlin", "10.0.0.1");
    expect(told(await applied(central, ledger, [ACME], { adopt: ["berlin"] }))).toEqual([
      "acme/berlin update",
    ]);
    expect(central.sites.get("berlin")).toMatchObject({ basic_settings: { alias: "by hand" } });
    expect(told(await applied(central, ledger, [ACME]))).toEqual(["acme/berlin keep"]);
  });

  test("is also one that was made here, and is another by now", async () => {
    const central = new TestCentral();
    const ledger = new TestLedger();
    await applied(central, ledger, [ACME]);
    byHand(central, "berlin", "10.0.0.1");
    expect(told(await applied(central, ledger, [ACME]))).toEqual(["acme/berlin E_CHECKMK_FOREIGN"]);
    expect(told(await applied(central, ledger, [], { prune: true }))).toEqual([
      "acme/berlin E_CHECKMK_FOREIGN",
    ]);
    expect(central.socket("berlin")).toContain("10.0.0.1");
  });

  test("is one that came between the list and the making", async () => {
    const central = new TestCentral();
    const ledger = new TestLedger();
    central.before = ({ method }) => {
      if (method === "POST") byHand(central, "berlin", "10.0.0.1");
    };
    const [outcome] = await applied(central, ledger, [ACME]);
    expect(outcome?.error).toMatchObject({
      code: "E_CHECKMK_REFUSED",
      hint: expect.stringContaining("should not exist"),
    });
    expect(ledger.made.size).toBe(0);
  });

  test("is one that came between the list and the change", async () => {
    const central = new TestCentral();
    const ledger = new TestLedger();
    await applied(central, ledger, [ACME]);
    central.before = ({ path }) => {
      if (path === object("berlin")) byHand(central, "berlin", "10.0.0.1");
    };
    const outcomes = await applied(central, ledger, [{ ...ACME, address: "127.64.0.9" }]);
    expect(told(outcomes)).toEqual(["acme/berlin E_CHECKMK_FOREIGN"]);
    expect(central.socket("berlin")).toContain("10.0.0.1");
  });

  test("may be the central site itself", async () => {
    const central = new TestCentral();
    const outcomes = await applied(central, new TestLedger(), [site(`acme/${OWN}`, "127.64.0.1")]);
    expect(told(outcomes)).toEqual([`acme/${OWN} E_CHECKMK_FOREIGN`]);
  });
});

describe("a site that is there no more", () => {
  test("keeps its connection until it is to be removed", async () => {
    const central = new TestCentral();
    const ledger = new TestLedger();
    await applied(central, ledger, BOTH);
    expect(told(await applied(central, ledger, [ACME]))).toEqual(["acme/berlin keep"]);
    const outcomes = await applied(central, ledger, [ACME], { prune: true });
    expect(told(outcomes)).toEqual(["globex/paris remove", "acme/berlin keep"]);
    expect([...central.sites.keys()]).toEqual([OWN, "berlin"]);
    expect([...ledger.made.keys()]).toEqual(["berlin"]);
  });

  test("is not one of another tenant, nor one that is disabled", async () => {
    const central = new TestCentral();
    const ledger = new TestLedger();
    await applied(central, ledger, BOTH);
    expect(told(await applied(central, ledger, [GLOBEX], { prune: true, tenant: "globex" }))).toEqual([
      "globex/paris keep",
    ]);
    const disabled = [{ ...ACME, state: "disabled" as const }, GLOBEX];
    const outcomes = await applied(central, ledger, disabled, { prune: true });
    expect(told(outcomes)).toEqual(["globex/paris keep", "acme/berlin leave"]);
    expect(outcomes[1]?.reason).toBe("it is disabled at the hub");
    expect(central.sites.size).toBe(3);
  });

  test("that hosts are assigned to stays, and it is said why", async () => {
    const central = new TestCentral();
    const ledger = new TestLedger();
    await applied(central, ledger, BOTH);
    central.assigned.add("berlin");
    const outcomes = await applied(central, ledger, [], { prune: true });
    expect(told(outcomes)).toEqual(["acme/berlin E_CHECKMK_REFUSED", "globex/paris remove"]);
    expect(outcomes[0]?.error?.message).toContain("hosts assigned to it");
    expect([...ledger.made.keys()]).toEqual(["berlin"]);
  });

  test("whose connection somebody has removed is forgotten", async () => {
    const central = new TestCentral();
    const ledger = new TestLedger();
    await applied(central, ledger, [ACME]);
    central.sites.delete("berlin");
    const [outcome] = await applied(central, ledger, [], { prune: true });
    expect(outcome).toMatchObject({ action: "remove", reason: "it was gone already" });
    expect(ledger.made.size).toBe(0);
  });
});

test("an ID goes from one site to another only when the first is removed", async () => {
  const central = new TestCentral();
  const ledger = new TestLedger();
  await applied(central, ledger, [ACME]);
  const other = site("globex/berlin", "127.64.0.7");
  const outcomes = await applied(central, ledger, [other]);
  expect(told(outcomes)).toEqual(["globex/berlin E_SITE_ID"]);
  expect(outcomes[0]?.error).toMatchObject({ message: expect.stringContaining("acme/berlin") });
  expect(central.socket("berlin")).toContain("127.64.0.1");
  for (const dryRun of [true, false]) {
    expect(told(await applied(central, ledger, [other], { prune: true, dryRun }))).toEqual([
      "acme/berlin remove",
      "globex/berlin create",
    ]);
  }
  expect(central.socket("berlin")).toContain("127.64.0.7");
});

test("a connection that was changed when the hub could not be told is known again", async () => {
  const central = new TestCentral();
  const ledger = new TestLedger();
  await applied(central, ledger, [ACME]);
  const moved = [{ ...ACME, address: "127.64.0.9" }];
  const deaf: Ledger = {
    list: () => ledger.list(),
    forget: (id) => ledger.forget(id),
    note: async () => {
      throw new FarsiteError("E_HUB_DOWN", "no hub answers");
    },
  };
  expect(told(await applied(central, deaf, moved))).toEqual(["acme/berlin E_HUB_DOWN"]);
  expect(central.socket("berlin")).toContain("127.64.0.9");
  expect(told(await applied(central, ledger, moved))).toEqual(["acme/berlin keep"]);
  expect(ledger.made.get("berlin")?.socket).toBe("tcp:127.64.0.9:6557");
});

test("nothing is made that the hub could not be told of", async () => {
  const central = new TestCentral();
  const deaf: Ledger = {
    list: async () => [],
    forget: async () => {},
    note: async () => {
      throw new FarsiteError("E_HUB_DOWN", "no hub answers");
    },
  };
  expect(told(await applied(central, deaf, BOTH))).toEqual([
    "acme/berlin E_HUB_DOWN",
    "globex/paris E_HUB_DOWN",
  ]);
  expect([...central.sites.keys()]).toEqual([OWN]);
});
