import { setTimeout as delay } from "node:timers/promises";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { LivestatusConnection, rows, type Target } from "../../lab/livestatus.ts";
import { Client, converse, type Outcome, sha256, shown, visit } from "./client.ts";
import { VOLATILE } from "./matrix.ts";
import { DOORS, type Door, suite } from "./stage.ts";

const FIXED = "ResponseHeader: fixed16\n";
const KEPT = "KeepAlive: on\n";
// what the hub cannot have kept from before
const SMALL = `GET hosts\nStats: state >= 0\n${FIXED}`;
/** ms in which a core that has a connection to spare would surely have answered. */
const SILENCE = 500;
/** Connections at once that no core is expected to serve. */
const MOST = 512;

await suite("Livestatus connections", { servicesPerHost: 14 }, (stage) => {
  /** All steady columns of all services: about 10 MB. */
  let huge: string;
  let hugeAnswer: Outcome;
  /** How many connections the core serves at a time; more wait until one ends. */
  let limit: number;

  beforeAll(async () => {
    const { core } = stage();
    const [head = []] = await rows(core, "GET services\nColumnHeaders: on\nLimit: 1");
    const steady = head.filter((column) => !VOLATILE.test(String(column)));
    huge = `GET services\nColumns: ${steady.join(" ")}\nOutputFormat: json\n${FIXED}`;
    hugeAnswer = await converse(core, `${huge}\n`);
    limit = await connectionLimit(core);
    await stage().connected(0);
  });

  describe("a large answer", () => {
    test("is the same at every endpoint at once, to the byte", async () => {
      const { core, doors } = stage();
      expect(hugeAnswer.bytes.length).toBeGreaterThan(9_500_000);
      const all = await Promise.all(doors.map(({ target }) => converse(target, `${huge}\n`)));
      expect(shown(await converse(core, `${huge}\n`))).toEqual(shown(hugeAnswer));
      expect(all.map(shown)).toEqual(doors.map(() => shown(hugeAnswer)));
      expect(JSON.parse(hugeAnswer.bytes.toString("utf8", 16))).toHaveLength(300 * 14);
    });

    test("of all columns is the same but for those that change by themselves", async () => {
      const { core, doors } = stage();
      const ask = async (target: Target) =>
        steadyOf(await rows(target, "GET services\nColumnHeaders: on", { timeoutMs: 30_000 }));
      const expected = await ask(core);
      expect(expected.count).toBe(300 * 14);
      for (const { name, target } of doors) expect(await ask(target), name).toEqual(expected);
    });

    test("comes whole to one who reads nothing for long, and others do not wait for him", async () => {
      const { tcp, unix, doors } = stage();
      for (const target of [tcp, unix]) {
        const slow = visit(target).send(`${huge}\n`);
        await slow.atLeast(1);
        slow.pause();
        const others = doors.flatMap((door) => Array.from({ length: 10 }, () => door.target));
        for (const other of others) {
          expect((await converse(other, `${SMALL}\n`)).bytes.toString()).toBe(
            `200 ${"4".padStart(11)}\n300\n`,
          );
        }
        expect(shown(await converse(target, `${huge}\n`))).toEqual(shown(hugeAnswer));
        // it was not simply done before: what is not read is not sent either
        expect(slow.received).toBeLessThan(hugeAnswer.bytes.length);
        slow.resume();
        expect(shown(await slow.outcome)).toEqual(shown(hugeAnswer));
      }
    });

    test("comes whole to one who reads in small pieces", async () => {
      const { tcp, unix } = stage();
      const read = async (target: Target) => {
        const thin = new LivestatusConnection(target, {
          slow: { bytes: 256 * 1024, pauseMs: 10 },
          timeoutMs: 30_000,
        });
        onTestFinished(() => thin.close());
        thin.send(`${huge}\n`);
        return sha256(await thin.rest());
      };
      const expected = sha256(hugeAnswer.bytes);
      expect(await Promise.all([read(tcp), read(unix)])).toEqual([expected, expected]);
    });
  });

  describe("many clients at once", () => {
    test.each(DOORS)("64 are all answered, each its own question, by %s", async (door) => {
      const { core, site } = stage();
      const target = stage().door(door);
      const questions = site.hosts
        .slice(0, 64)
        .map(
          ({ name }) =>
            `GET services\nColumns: host_name description plugin_output\nFilter: host_name = ${name}\n${FIXED}\n`,
        );
      const expected: string[] = [];
      for (const question of questions) expected.push(sha256((await converse(core, question)).bytes));
      expect(new Set(expected).size).toBe(64);
      await stage().connected(0);
      const before = await stage().accepted();
      const all = await Promise.all(questions.map((question) => converse(target, question)));
      expect(all.map(({ bytes }) => sha256(bytes))).toEqual(expected);
      // one connection to the core for each of them, and none besides but the one that asks
      expect((await stage().accepted()) - before).toBe(64 + 1);
    });

    test("64 that keep their connections are served as others leave", async () => {
      const { doors, site } = stage();
      const all = site.hosts.slice(0, 64).map(async ({ name }, number) => {
        const { target } = doors[number % doors.length] as Door;
        const connection = new LivestatusConnection(target, { timeoutMs: 30_000 });
        onTestFinished(() => connection.close());
        const said: string[] = [];
        for (const column of ["name", "address"]) {
          connection.send(`GET hosts\nColumns: ${column}\nFilter: name = ${name}\n${KEPT}${FIXED}\n`);
          said.push((await connection.response()).body.toString().trim());
        }
        connection.close();
        return said;
      });
      expect(await Promise.all(all)).toEqual(
        site.hosts.slice(0, 64).map(({ name, address }) => [name, address]),
      );
      await stage().connected(0);
    });
  });

  describe("the core's few connections", () => {
    test("none is opened before a client comes, and one for each client where the service is bytes", async () => {
      const { joined } = stage();
      await stage().connected(0);
      const before = await stage().accepted();
      await stage().connected(0);
      for (const [index, { target }] of joined.entries()) {
        const silent = visit(target);
        await stage().connected(1);
        silent.abandon();
        await stage().connected(0);
        expect((await stage().accepted()) - before, `after ${index + 1}`).toBe(2 * (index + 1));
      }
    });

    test("with Livestatus a client has none before it asks, nor when it has its answer", async () => {
      const { gated } = stage();
      await stage().connected(0);
      const before = await stage().accepted();
      const silent = gated.map(({ target }) => visit(target).send("GET hosts\n"));
      // many more than the core could serve at once
      const kept = await Promise.all(
        Array.from({ length: 8 * limit }, (_, number) => keptConnection(gated[number % 2]?.target as Target)),
      );
      await stage().connected(0);
      for (const connection of kept) {
        connection.send(`${SMALL}${KEPT}\n`);
        expect((await connection.response()).code).toBe(200);
      }
      await stage().connected(0);
      // one for each question, that of this question included
      expect((await stage().accepted()) - before).toBe(2 * kept.length + 1);
      expect(silent.map((client) => client.received)).toEqual([0, 0]);
      for (const connection of kept) connection.close();
    });

    test("idle kept connections hold theirs where the service is bytes, until the client leaves", async () => {
      const { core, unix, joined } = stage();
      const held: LivestatusConnection[] = [];
      for (let number = 0; number < limit; number++) {
        held.push(await keptConnection((joined[number % joined.length] as Door).target));
      }
      expect(stage().connections).toBe(limit);
      const next = visit(core).send(`${SMALL}\n`);
      const tunnelled = visit(unix).send(`${SMALL}\n`);
      // only that it does not come can show that all are taken
      await delay(SILENCE);
      expect([next.received, tunnelled.received]).toEqual([0, 0]);
      held.pop()?.close();
      for (const waiting of [next, tunnelled]) {
        expect((await waiting.outcome).bytes.toString()).toMatch(/^200 .*\n300\n$/);
      }
      for (const connection of held) connection.close();
      await stage().connected(0);
    });

    test("a half-close alone gives it back, too", async () => {
      for (const { target } of stage().joined) {
        const held = await keptConnection(target);
        await stage().connected(1);
        held.finish();
        expect(await held.rest()).toHaveLength(0);
        await stage().connected(0);
      }
    });

    const leavings: Record<string, (client: Client) => Promise<unknown>> = {
      "before it has asked": async () => {},
      "in the middle of its query": async (client) => client.send(huge.slice(0, -10)),
      "before the answer begins": async (client) => client.send(`${huge}\n`),
      "in the middle of a large answer": (client) => client.send(`${huge}\n`).atLeast(1_000_000),
      "in the middle of a large answer, after half-close": (client) =>
        client.send(`${huge}\n`).halfClose().atLeast(1_000_000),
      "while it had stopped reading a large answer": async (client) => {
        await client.send(`${huge}\n`).atLeast(1);
        client.pause();
        // until nothing moves any more: another has been given all of it meanwhile
        await converse(stage().core, `${huge}\n`);
      },
    };
    test.each(Object.entries(leavings))("a client that leaves %s frees its connection", async (_, leave) => {
      const { core, doors } = stage();
      for (const { target } of doors) {
        const client = visit(target);
        await leave(client);
        client.abandon();
      }
      await stage().connected(0);
      const held = await Promise.all(Array.from({ length: limit }, () => keptConnection(core)));
      expect(held).toHaveLength(limit);
      for (const connection of held) connection.close();
      await stage().connected(0);
    });

    test("many clients that leave in the middle do no harm to those who stay", async () => {
      const { tcp, unix } = stage();
      const stays = [tcp, unix].map((target) => converse(target, `${huge}\n`));
      for (let number = 0; number < 12; number++) {
        const client = new Client(number % 2 === 0 ? tcp : unix).send(`${huge}\n`);
        onTestFinished(() => client.abandon());
        await client.atLeast(100_000);
        client.abandon();
      }
      expect((await Promise.all(stays)).map(shown)).toEqual([shown(hugeAnswer), shown(hugeAnswer)]);
      await stage().connected(0);
    });
  });
});

/** A kept connection that has been answered once: the core has given it one of its own. */
async function keptConnection(target: Target): Promise<LivestatusConnection> {
  const connection = new LivestatusConnection(target);
  onTestFinished(() => connection.close());
  connection.send(`${SMALL}${KEPT}\n`);
  expect((await connection.response()).code).toBe(200);
  return connection;
}

/** How many connections this core serves at a time: 2 for each of the machine's processors, with Icinga. */
async function connectionLimit(core: Target): Promise<number> {
  const held: Client[] = [];
  try {
    for (;;) {
      if (held.length > MOST) throw new Error(`the core serves more than ${MOST} at once`);
      const client = new Client(core).send(`${SMALL}${KEPT}\n`);
      held.push(client);
      const answered = client.atLeast(20).then(
        () => true,
        () => false,
      );
      if (!(await Promise.race([answered, delay(2 * SILENCE, false)]))) return held.length - 1;
    }
  } finally {
    for (const client of held) client.abandon();
  }
}

/** What of an answer with column headers does not change by itself, in short. */
function steadyOf([head = [], ...answer]: readonly unknown[][]): {
  count: number;
  columns: unknown[];
  rows: string;
} {
  const at = head.flatMap((column, index) => (VOLATILE.test(String(column)) ? [] : [index]));
  const kept = answer.map((row) => at.map((index) => row[index]));
  return { count: answer.length, columns: head, rows: sha256(Buffer.from(JSON.stringify(kept))) };
}
