import { createHash } from "node:crypto";
import { expect, onTestFinished, test } from "vitest";
import { noteConfiguration } from "../../../../hub/registry/index.ts";
import { check, openAudit } from "./rig.ts";

async function audit() {
  const opened = await openAudit();
  onTestFinished(() => opened.close());
  const note = async (file: unknown) => {
    await noteConfiguration(opened.store, opened.clock.wall(), file);
    return (await opened.registry.records({ limit: 100 })).map(({ action, detail }) => `${action} ${detail}`);
  };
  return { ...opened, note };
}

const FILE = { url: "wss://hub", listen: { port: 443 }, policy: { "acme/main": { commands: ["A"] } } };

test("the first start, and one with the same file, are not in the audit", async () => {
  const { note } = await audit();
  expect(await note(FILE)).toEqual([]);
  expect(await note({ ...FILE })).toEqual([]);
});

test("which keys changed, came and went is, as they stand in the file", async () => {
  const { note } = await audit();
  await note(FILE);
  const viewer = [{ listen: "192.0.2.1:6557", view: "acme" }];
  const records = await note({
    url: "wss://other",
    listen: { port: 443, tls: "self" },
    policy: { "acme/main": { commands: ["A", "B"] } },
    viewer,
  });
  expect(records).toEqual([
    'config.change changed policy."acme/main".commands, url; added listen.tls, viewer[0].listen, viewer[0].view',
  ]);
  expect((await note({ url: "wss://other", viewer })).at(-1)).toBe(
    'config.change removed listen.port, listen.tls, policy."acme/main".commands',
  );
});

test("no value is in the database, nor what one could be guessed by without the audit's key", async () => {
  const opened = await audit();
  await opened.note({ secret: "hunter2" });
  await opened.note({ secret: "hunter3" });
  const rows = await opened.store.transaction((sql) => sql`SELECT * FROM setting`);
  const records = await opened.registry.records({ limit: 10 });
  const text = JSON.stringify([rows, records]);
  expect(text).not.toMatch(/hunter/);
  for (const guess of ["hunter3", '"hunter3"', 'secret="hunter3"'])
    expect(text).not.toContain(createHash("sha256").update(guess).digest("hex").slice(0, 32));
  expect((await check(opened)).whole).toBe(true);
});
