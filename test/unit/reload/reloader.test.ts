import { expect, test } from "vitest";
import { type Reconfigurable, Reloader, switched } from "../../../common/config/index.ts";
import { FarsiteError } from "../../../common/errors.ts";
import { MemoryLog } from "../../../common/log.ts";

interface Config {
  ports: Record<string, number>;
  pool: string;
  level: string;
}

const START: Config = { ports: { http: 80 }, pool: "127.64.0.0/16", level: "info" };

function rig(...parts: Reconfigurable<Config>[]) {
  const log = new MemoryLog();
  const its = { file: START as Config | FarsiteError, log, applied: [] as string[] };
  const reloader = new Reloader<Config>({
    config: START,
    load: () => {
      if (its.file instanceof FarsiteError) throw its.file;
      return its.file;
    },
    parts: [
      switched(["ports"], ({ ports }) => void its.applied.push(JSON.stringify(ports))),
      switched(["level"], ({ level }) => void its.applied.push(level)),
      ...parts,
    ],
    log,
  });
  return Object.assign(its, { reloader });
}

test("only the parts whose keys have changed are switched", async () => {
  const its = rig();
  its.file = { ...START, level: "debug" };
  expect(await its.reloader.reload()).toEqual({ changed: ["level"], renewed: [], restart: [] });
  expect(its.applied).toEqual(["debug"]);
  expect(its.reloader.config.level).toBe("debug");
  expect(await its.reloader.reload()).toEqual({ changed: [], renewed: [], restart: [] });
  expect(its.applied).toEqual(["debug"]);
});

test("a broken file changes nothing, and is complained of until it is repaired", async () => {
  const its = rig();
  its.file = new FarsiteError("E_CONFIG", "hub.toml: one problem", "ports.http: found 0");
  await expect(its.reloader.reload()).rejects.toThrow("one problem");
  expect(its.applied).toEqual([]);
  expect(its.reloader.config).toBe(START);
  expect(its.reloader.failure).toContain("hub.toml: one problem");
  expect(its.log.lines.at(-1)).toMatchObject({
    level: "error",
    fields: { code: "E_CONFIG", do: "ports.http: found 0" },
  });
  its.file = START;
  await its.reloader.reload();
  expect(its.reloader.failure).toBeUndefined();
});

test("a part that cannot be made ready keeps all others as they are", async () => {
  const its = rig({
    keys: ["pool"],
    prepare: () => {
      throw new FarsiteError("E_CONFIG", "the certificate cannot be read");
    },
  });
  its.file = { ...START, level: "debug", pool: "127.65.0.0/16" };
  await expect(its.reloader.reload()).rejects.toThrow("certificate");
  expect(its.applied).toEqual([]);
});

test("keys that nothing takes up are named until the program is started again", async () => {
  const its = rig();
  its.file = { ...START, pool: "127.65.0.0/16", level: "debug" };
  expect(await its.reloader.reload()).toEqual({ changed: ["level"], renewed: [], restart: ["pool"] });
  expect(await its.reloader.reload()).toEqual({ changed: [], renewed: [], restart: ["pool"] });
  its.file = START;
  expect(await its.reloader.reload()).toEqual({ changed: ["level"], renewed: [], restart: [] });
});

test("what files hold is looked at each time", async () => {
  let version = 1;
  let inUse = 1;
  const its = rig({
    keys: [],
    always: true,
    prepare: () => {
      const next = version;
      if (next === inUse) return undefined;
      const apply = () => {
        inUse = next;
      };
      return { renewed: ["certificate"], apply };
    },
  });
  expect((await its.reloader.reload()).renewed).toEqual([]);
  version = 2;
  expect((await its.reloader.check()).renewed).toEqual(["certificate"]);
  expect(inUse).toBe(1);
  expect((await its.reloader.reload()).renewed).toEqual(["certificate"]);
  expect(inUse).toBe(2);
});

test("two reloads at once go one after the other", async () => {
  const order: string[] = [];
  const gate = Promise.withResolvers<void>();
  const its = rig({
    keys: ["pool"],
    prepare: ({ pool }) => ({
      apply: async () => {
        order.push(`begin ${pool}`);
        await gate.promise;
        order.push(`end ${pool}`);
      },
    }),
  });
  its.file = { ...START, pool: "a" };
  const first = its.reloader.reload();
  const second = its.reloader.reload();
  await Promise.resolve();
  its.file = { ...START, pool: "b" };
  gate.resolve();
  await Promise.all([first, second]);
  expect(order.filter((_, at) => at % 2 === 0)).toEqual(
    order.filter((_, at) => at % 2 === 0 && order[at]?.startsWith("begin")),
  );
  expect(order.at(-1)).toBe("end b");
});
