import { expect, test } from "vitest";
import { FakeClock } from "../../../common/clock.ts";
import { MemoryLog } from "../../../common/log.ts";
import { pack } from "../../../common/msgpack.ts";
import { InventoryLane, inventoryConfig } from "../../../hub/inbox/inventory/index.ts";
import type { Letter } from "../../../hub/inbox/letter/index.ts";
import type { Sink } from "../../../hub/inbox/sink/index.ts";
import { MemoryDisk } from "../queue/memory-disk.ts";

const FOLDER = "/central/inventory";
const SECOND = 1_000_000;

/** Two sites of a tenant, and the central site itself, in one folder. */
class Shared {
  readonly disk = new MemoryDisk();
  readonly lane = new InventoryLane(
    inventoryConfig.parse({ sinks: { central: { folder: FOLDER, tenants: ["acme"] } } }),
    {
      disk: this.disk,
      clock: new FakeClock(),
      log: new MemoryLog(),
      directory: ({ site }) => `/inbox/${site}`,
    },
  );
  #sequence = 0;

  async tell(
    site: string,
    ...letters: [kind: string, body: object][]
  ): Promise<ReadonlyMap<number, Uint8Array>> {
    await this.disk.ensure(FOLDER);
    const { exact } = this.lane.sinks({ tenant: "acme", site })[0] as Sink;
    const all = letters.map(
      ([kind, body]): Letter => ({
        tenant: "acme",
        site,
        sequence: ++this.#sequence,
        id: `${site}-${this.#sequence}`,
        idempotencyKey: "",
        time: 0,
        kind,
        body: pack(body),
      }),
    );
    await exact!.stage(all);
    return (await exact!.settle(all, exact!.place)) ?? new Map();
  }

  put(site: string, name: string, text: string, second: number): Promise<unknown> {
    const body = { path: `inventory/${name}`, modified: second * SECOND, bytes: Buffer.from(text) };
    return this.tell(site, ["file", body]);
  }

  gone(site: string, name: string, second: number, size: number): Promise<unknown> {
    return this.tell(site, ["gone", { files: [[`inventory/${name}`, second * SECOND, size]] }]);
  }

  text(name: string): string | undefined {
    return this.disk.files.get(`${FOLDER}/${name}`)?.toString();
  }
}

test("of two sites' files of one name the newer one stays, and the other site cannot remove it", async () => {
  const shared = new Shared();
  await shared.put("a", "web", "of a", 10);
  await shared.put("b", "web", "of b", 20);
  expect(shared.text("web")).toBe("of b");
  await shared.put("a", "web", "of a, too late", 15);
  expect(shared.text("web")).toBe("of b");
  await shared.gone("a", "web", 15, 14);
  expect(shared.text("web")).toBe("of b");
  await shared.put("a", "web", "of a again", 30);
  await shared.gone("b", "web", 20, 4);
  expect(shared.text("web")).toBe("of a again");
  await shared.gone("a", "web", 30, 10);
  expect(shared.text("web")).toBeUndefined();
});

test("a list removes what the site had sent, and nothing of anybody else's", async () => {
  const shared = new Shared();
  await shared.disk.write(`${FOLDER}/central`, [Buffer.from("own")], undefined, SECOND);
  await shared.put("a", "one", "1", 10);
  await shared.put("a", "two", "2", 10);
  await shared.put("b", "three", "3", 10);
  await shared.tell("a", ["list", { after: "", last: true, files: [] }]);
  expect(shared.disk.names(FOLDER)).toEqual(["central", "three"]);
});

test("a list in parts is about what lies between them", async () => {
  const shared = new Shared();
  for (const name of ["a", "b", "c", "d"]) await shared.put("a", name, name, 10);
  const part = (after: string, last: boolean, name: string) =>
    shared.tell("a", [
      "list",
      { after, last, files: [[`inventory/${name}`, 10 * SECOND, 1, Buffer.alloc(16)]] },
    ]);
  const answers = await part("", false, "b");
  expect(shared.disk.names(FOLDER)).toEqual(["b", "c", "d"]);
  // it has another digest there: it is wanted
  expect([...answers.values()]).toEqual([Uint8Array.of(1)]);
  await part("inventory/b", true, "c");
  expect(shared.disk.names(FOLDER)).toEqual(["b", "c"]);
});

test("of several letters about one file in a batch only the last counts, also when they are taken again", async () => {
  const shared = new Shared();
  const file = (text: string, second: number): [string, object] => [
    "file",
    { path: "inventory/web", modified: second * SECOND, bytes: Buffer.from(text) },
  ];
  await shared.tell(
    "a",
    file("1", 10),
    ["gone", { files: [["inventory/web", 10 * SECOND, 1]] }],
    file("2", 20),
  );
  expect([shared.text("web"), shared.disk.names(FOLDER)]).toEqual(["2", ["web"]]);
});

test("a folder that is not there is nobody's to make", async () => {
  const shared = new Shared();
  const { exact } = shared.lane.sinks({ tenant: "acme", site: "a" })[0] as Sink;
  await expect(exact!.stage([])).rejects.toThrow(`there is no folder ${FOLDER}`);
});

test("Checkmk is told that something is new, and not when nothing is", async () => {
  const shared = new Shared();
  await shared.tell("a", ["complete", { files: 0, bytes: 0 }]);
  expect(shared.disk.files.has(`${FOLDER}/.last`)).toBe(false);
  await shared.put("a", "web", "1", 10);
  expect(shared.disk.files.has(`${FOLDER}/.last`)).toBe(true);
});

test("two sites that fill one folder at the same time are not in each other's way", async () => {
  const shared = new Shared();
  await Promise.all(["a", "b"].map((site) => shared.put(site, `host-of-${site}`, site, 10)));
  expect(shared.disk.names(FOLDER)).toEqual(["host-of-a", "host-of-b"]);
  expect([...shared.disk.files.keys()].filter((path) => path.includes(".farsite"))).toEqual([]);
});

test("of a site that is gone nothing stays of what had not landed; what had stays", async () => {
  const shared = new Shared();
  await shared.put("a", "web", "1", 10);
  const sink = shared.lane.sinks({ tenant: "acme", site: "a" })[0] as Sink;
  const letter: Letter = {
    tenant: "acme",
    site: "a",
    sequence: 9,
    id: "staged",
    idempotencyKey: "",
    time: 0,
    kind: "file",
    body: pack({ path: "inventory/db", modified: SECOND, bytes: Buffer.from("2") }),
  };
  await sink.exact!.stage([letter]);
  const staged = () => [...shared.disk.files.keys()].filter((path) => path.includes(".farsite"));
  expect(staged()).toHaveLength(1);
  await sink.withdraw!(["staged"]);
  expect([staged(), shared.disk.names(FOLDER)]).toEqual([[], ["web"]]);
});
