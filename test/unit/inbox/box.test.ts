import { expect, test } from "vitest";
import { FakeClock } from "../../../common/clock.ts";
import { KeyPair } from "../../../common/noise/index.ts";
import { ITEM, itemMessage, MessageReader, Opener, readItem, Sealer } from "../../../common/outbox/index.ts";
import type { Box, Listener } from "../../../hub/inbox/box.ts";
import { type Letter, uuid } from "../../../hub/inbox/letter/index.ts";
import type { Rejected, Sink } from "../../../hub/inbox/sink/index.ts";
import { Dice, settle } from "../mux/rig.ts";
import { HUB, openBox, SPOOL, spoolSink } from "../outbox/rig.ts";
import { MemoryDisk } from "../queue/memory-disk.ts";

const EPOCH = "0".repeat(32);
const sealer = new Sealer(() => HUB.publicKey.bytes, new Dice(9));

/** Who sends items, as an agent does. */
class Sender implements Listener {
  acknowledged = 0;
  readonly refused: string[] = [];
  replacements = 0;

  acknowledge(number: number): void {
    if (number < this.acknowledged) throw new Error(`${number} after ${this.acknowledged}`);
    this.acknowledged = number;
  }
  refuse(number: number, reason: string): void {
    this.refused.push(`${number}: ${reason}`);
  }
  readonly answers: string[] = [];
  answer(number: number, answer: Uint8Array): void {
    this.answers.push(`${number}: ${Buffer.from(answer).toString("hex")}`);
  }
  room(): void {}
  replaced(): void {
    this.replacements++;
  }
}

/** An item as it comes from a stream. */
function item(number: number): ReturnType<typeof readItem> {
  const sealed = sealer.seal(Buffer.from(`letter ${number}`));
  const whole = itemMessage({ number, key: Buffer.alloc(16, number), kind: "notification", time: 0 }, sealed);
  const [message] = [...new MessageReader(new Set([ITEM])).read(whole)];
  return readItem(message!.body);
}

function send(box: Box, ...numbers: number[]): void {
  for (const number of numbers) {
    const { head, sealed } = item(number);
    box.receive(EPOCH, head, sealed);
  }
}

/** Lets everything happen that needs no time. */
async function rest(): Promise<void> {
  for (let i = 0; i < 8; i++) await settle();
}

const numberOf = (body: Buffer | undefined): number => Number(String(body).split(" ")[1]);

/** The numbers of what is in the spool folder. */
const inSpool = (disk: MemoryDisk): number[] =>
  disk.names(SPOOL).map((name) => numberOf(disk.files.get(`${SPOOL}/${name}`)));

test("letters land in order, each before it is acknowledged, and leave nothing behind", async () => {
  const disk = new MemoryDisk();
  const order: number[] = [];
  const sender = new Sender();
  disk.onRename = (to) => {
    if (!to.startsWith(`${SPOOL}/`)) return;
    const number = numberOf(disk.files.get(to));
    order.push(number);
    expect(sender.acknowledged).toBeLessThan(number);
  };
  const box = await openBox(disk);
  box.attach(EPOCH, 1, sender);
  send(box, 1, 2, 3);
  await rest();
  expect([order, sender.acknowledged]).toEqual([[1, 2, 3], 3]);
  expect([disk.names("/inbox/acme/main/notify/queue"), disk.after("power cut").names(SPOOL).length]).toEqual([
    [],
    3,
  ]);
  expect(box.status()).toMatchObject({ waiting: 0, received: 3, sinks: [{ landed: 3, waiting: 0 }] });
});

test("what is sent again is recognised, also after a restart", async () => {
  const disk = new MemoryDisk();
  const box = await openBox(disk);
  box.attach(EPOCH, 1, new Sender());
  send(box, 1, 2);
  await rest();
  send(box, 1, 2, 3);
  await rest();
  for (const name of disk.names(SPOOL)) disk.take(`${SPOOL}/${name}`);
  const next = disk.after("kill");
  const again = await openBox(next);
  const sender = new Sender();
  again.attach(EPOCH, 1, sender);
  expect(sender.acknowledged).toBe(3);
  send(again, 1, 2, 3, 4);
  await rest();
  expect([inSpool(next), sender.acknowledged]).toEqual([[4], 4]);
});

test("numbers of another epoch are other letters", async () => {
  const disk = new MemoryDisk();
  const box = await openBox(disk);
  box.attach(EPOCH, 1, new Sender());
  send(box, 1, 2);
  await rest();
  const sender = new Sender();
  box.attach("1".repeat(32), 1, sender);
  expect(sender.acknowledged).toBe(0);
  const { head, sealed } = item(1);
  box.receive("1".repeat(32), head, sealed);
  await rest();
  expect([inSpool(disk).toSorted(), sender.acknowledged]).toEqual([[1, 1, 2], 1]);
});

/** More than the steps that four letters take. */
const STEPS = 80;
/** ms for all of them, on a machine that is busy. */
const PATIENCE = 60_000;

test(
  "after a crash at any step each letter lands exactly once, in order, though files are taken away at once",
  async () => {
    for (let step = 1; step <= STEPS; step++) {
      for (const done of [false, true]) {
        const order: number[] = [];
        const disk = new MemoryDisk();
        const takeAway = (from: MemoryDisk) => {
          const names = from.names(SPOOL);
          order.push(...names.map((name) => numberOf(from.take(`${SPOOL}/${name}`))));
        };
        disk.onRename = () => takeAway(disk);
        const box = await openBox(disk);
        box.attach(EPOCH, 1, new Sender());
        const crashed = disk.crash(step, done);
        send(box, 1, 2);
        await Promise.race([crashed, rest()]);
        send(box, 3, 4);
        await Promise.race([crashed, rest()]);
        const next = disk.after("kill");
        next.onRename = () => takeAway(next);
        takeAway(next);
        const again = await openBox(next);
        const sender = new Sender();
        again.attach(EPOCH, 1, sender);
        await rest();
        send(again, ...[1, 2, 3, 4].filter((number) => number > sender.acknowledged));
        await rest();
        expect([order, sender.acknowledged], `step ${step} ${done}`).toEqual([[1, 2, 3, 4], 4]);
        expect(again.status().waiting).toBe(0);
        await again.close();
      }
    }
  },
  PATIENCE,
);

test(
  "after a power cut at any step nothing that was acknowledged is missing, and nothing is there twice",
  async () => {
    for (let step = 1; step <= STEPS; step++) {
      for (const done of [false, true]) {
        const disk = new MemoryDisk();
        const box = await openBox(disk);
        const before = new Sender();
        box.attach(EPOCH, 1, before);
        const crashed = disk.crash(step, done);
        send(box, 1, 2);
        await Promise.race([crashed, rest()]);
        const next = disk.after("power cut");
        expect(inSpool(next).toSorted().slice(0, before.acknowledged)).toEqual(
          [1, 2].slice(0, before.acknowledged),
        );
        const again = await openBox(next);
        const sender = new Sender();
        again.attach(EPOCH, 1, sender);
        await rest();
        send(again, ...[1, 2].filter((number) => number > sender.acknowledged));
        await rest();
        expect(inSpool(next).toSorted(), `step ${step} ${done}`).toEqual([1, 2]);
        expect(next.files.size, `step ${step} ${done}`).toBe(3);
        await again.close();
      }
    }
  },
  PATIENCE,
);

test(
  "a full disk at any step, for a while, loses nothing, lands nothing twice, and keeps the order",
  async () => {
    for (let step = 1; step <= STEPS; step++) {
      const clock = new FakeClock();
      const disk = new MemoryDisk();
      const order: number[] = [];
      disk.onRename = (to) => {
        if (to.startsWith(`${SPOOL}/`)) order.push(numberOf(disk.take(to)));
      };
      const box = await openBox(disk, { clock });
      const sender = new Sender();
      box.attach(EPOCH, 1, sender);
      disk.fail(step, step + 7);
      send(box, 1, 2);
      await rest();
      send(box, 3, 4);
      for (let minute = 0; minute < 12; minute++) {
        clock.advance(60_000);
        await settle();
        await settle();
      }
      expect([order, sender.acknowledged, sender.replacements], `step ${step}`).toEqual([[1, 2, 3, 4], 4, 0]);
      // the last round has no failure: so every step had one
      if (step === STEPS) expect(disk.steps).toBeLessThan(STEPS);
      await box.close();
    }
  },
  PATIENCE,
);

test("a letter that must not land is refused with its reason, and those behind it land", async () => {
  const disk = new MemoryDisk();
  const check = ({ body }: { body: Buffer }) => {
    if (numberOf(body) === 2) throw new Error("not this one");
  };
  const refused: string[] = [];
  const box = await openBox(disk, {
    lane: { name: "notify", longest: 100, check },
    refused: (reason) => refused.push(reason),
  });
  const sender = new Sender();
  box.attach(EPOCH, 1, sender);
  send(box, 1, 2, 3);
  await rest();
  expect([inSpool(disk).toSorted(), sender.refused, sender.acknowledged]).toEqual([
    [1, 3],
    ["2: not this one"],
    3,
  ]);
  expect([refused, box.status().refused]).toEqual([["not this one"], 1]);
  // an agent that did not hear of it hears it again, before the acknowledgement, also from a hub that restarted
  const again = await openBox(disk.after("kill"), { lane: { name: "notify", longest: 100, check } });
  const next = new Sender();
  again.attach(EPOCH, 2, next);
  expect(next.refused).toEqual(["2: not this one"]);
  const last = new Sender();
  again.attach(EPOCH, 4, last);
  expect([last.refused, last.acknowledged]).toEqual([[], 3]);
});

/** A disk on which the state of an inbox is written only when it is let through. */
class SlowDisk extends MemoryDisk {
  readonly writing: (() => void)[] = [];

  override async write(path: string, parts: readonly Uint8Array[]): Promise<void> {
    if (path.includes("state.json")) await new Promise<void>((go) => this.writing.push(go));
    return super.write(path, parts);
  }

  async letThrough(): Promise<void> {
    this.writing.shift()?.();
    await rest();
  }
}

test("a refusal is said before anything that acknowledges it, also when what was before it lands meanwhile", async () => {
  const disk = new SlowDisk();
  const check = ({ body }: { body: Buffer }) => {
    if (numberOf(body) === 2) throw new Error("not this one");
  };
  const box = await openBox(disk, { lane: { name: "notify", longest: 100, check } });
  const sender = new Sender();
  box.attach(EPOCH, 1, sender);
  send(box, 1);
  await rest();
  send(box, 2);
  await rest();
  await disk.letThrough();
  expect([inSpool(disk), sender.acknowledged, sender.refused]).toEqual([[1], 1, []]);
  await disk.letThrough();
  expect([sender.acknowledged, sender.refused]).toEqual([2, ["2: not this one"]]);
});

test.each([
  [
    "is sealed for another hub",
    new Sealer(() => KeyPair.identity(new Dice(8)).publicKey.bytes, new Dice(1)),
    10,
  ],
  ["is longer than the lane allows, unpacked", sealer, 100_000],
])("a letter that %s is refused", async (_, by, length) => {
  const box = await openBox(new MemoryDisk(), { lane: { name: "notify", longest: 50_000, check: () => {} } });
  const sender = new Sender();
  box.attach(EPOCH, 1, sender);
  const { head } = item(1);
  box.receive(EPOCH, head, by.seal(Buffer.alloc(length)));
  await rest();
  expect(sender.refused).toHaveLength(1);
});

test("another stream of the lane takes the place of the one before", async () => {
  const box = await openBox(new MemoryDisk());
  const [first, second] = [new Sender(), new Sender()];
  box.attach(EPOCH, 1, first);
  box.attach(EPOCH, 1, second);
  send(box, 1);
  await rest();
  expect([first.replacements, first.acknowledged, second.acknowledged]).toEqual([1, 0, 1]);
});

/** A sink that cannot tell what it has, and fails as often as it is told. */
class Forgetful implements Sink {
  readonly name = "webhook";
  readonly kind = "webhook";
  readonly exact = undefined;
  readonly batch = 1;
  readonly landed: string[] = [];
  fails = 0;

  async land([letter]: readonly Letter[]): Promise<Rejected[]> {
    if (this.fails-- > 0) throw new Error("not now");
    this.landed.push(`${letter?.body} ${letter?.idempotencyKey}`);
    return [];
  }
}

test("a sink that fails holds neither the agent nor other sinks up, and gets everything in order later", async () => {
  const clock = new FakeClock();
  const disk = new MemoryDisk();
  const webhook = new Forgetful();
  webhook.fails = 3;
  const box = await openBox(disk, { clock, sinks: [spoolSink(disk), webhook] });
  const sender = new Sender();
  box.attach(EPOCH, 1, sender);
  send(box, 1, 2);
  await rest();
  expect([sender.acknowledged, inSpool(disk).toSorted(), webhook.landed]).toEqual([2, [1, 2], []]);
  expect(box.status().sinks).toMatchObject([{ waiting: 0 }, { waiting: 2, problem: "not now" }]);
  for (let second = 0; second < 20; second++) {
    clock.advance(1000);
    await settle();
  }
  await rest();
  const keys = [1, 2].map((number) => uuid(Buffer.alloc(16, number)));
  expect(webhook.landed).toEqual([`letter 1 ${keys[0]}`, `letter 2 ${keys[1]}`]);
  expect(box.status()).toMatchObject({ waiting: 0, sinks: [{}, { problem: undefined }] });
});

test("when too many letters wait for a sink no more are taken, until there is room", async () => {
  const clock = new FakeClock();
  const webhook = new Forgetful();
  webhook.fails = 1;
  const limits = { items: 2, bytes: 1 << 20, perSecond: 1e9 };
  const box = await openBox(new MemoryDisk(), { clock, sinks: [webhook], limits });
  const sender = new Sender();
  box.attach(EPOCH, 1, sender);
  send(box, 1);
  await rest();
  send(box, 2);
  await rest();
  send(box, 3);
  await rest();
  expect([sender.acknowledged, box.status().problem]).toEqual([2, "2 letters wait for a sink"]);
  clock.advance(1000);
  await rest();
  expect([sender.acknowledged, webhook.landed.length, box.status().problem]).toEqual([3, 3, undefined]);
});

test("letters are taken no faster than is allowed, in the long run", async () => {
  const clock = new FakeClock();
  const limits = { items: 1000, bytes: 1 << 20, perSecond: 10 };
  const box = await openBox(new MemoryDisk(), { clock, limits });
  const sender = new Sender();
  box.attach(EPOCH, 1, sender);
  send(box, 1, 2, 3, 4, 5);
  await rest();
  const taken = sender.acknowledged;
  expect(taken).toBeLessThan(5);
  clock.advance(taken * 100);
  await rest();
  expect(sender.acknowledged).toBe(5);
  send(box, 6);
  clock.advance((5 - taken) * 100 - 1);
  await rest();
  expect(sender.acknowledged).toBe(5);
  clock.advance(1);
  await rest();
  expect(sender.acknowledged).toBe(6);
});

test("when its site is gone nothing of letters that have not landed stays in a sink; what has landed does", async () => {
  const clock = new FakeClock();
  const disk = new MemoryDisk();
  const box = await openBox(disk, { clock });
  box.attach(EPOCH, 1, new Sender());
  send(box, 1);
  await rest();
  const rename = disk.rename.bind(disk);
  disk.rename = async (from, to) => {
    if (to.startsWith(`${SPOOL}/`)) throw new Error("read-only file system");
    return rename(from, to);
  };
  send(box, 2, 3);
  await rest();
  const staged = () => [...disk.files.keys()].filter((path) => path.startsWith(`${SPOOL}/.`));
  expect([staged().length > 0, box.status().waiting]).toEqual([true, 2]);
  await box.close();
  await box.withdraw();
  expect([staged(), inSpool(disk).includes(1)]).toEqual([[], true]);
});

test("what sinks say to a letter comes before its acknowledgement; what one of them wants is wanted", async () => {
  const disk = new MemoryDisk();
  const order: string[] = [];
  const saying = (name: string, bits: number): Sink => ({
    ...spoolSink(disk, name),
    name,
    exact: {
      place: SPOOL,
      stage: async () => {},
      settle: async (letters) =>
        new Map(
          letters
            .filter(({ sequence }) => sequence === 2)
            .map(({ sequence }) => [sequence, Uint8Array.of(bits)]),
        ),
    },
  });
  const box = await openBox(disk, { sinks: [saying("a", 1), saying("b", 4)] });
  const sender = new Sender();
  sender.answer = (number, answer) => order.push(`${number} answered ${answer[0]}`);
  sender.acknowledge = (number) => order.push(`to ${number}`);
  box.attach(EPOCH, 1, sender);
  send(box, 1, 2, 3);
  await rest();
  expect(order.filter((word) => word.includes("answered"))).toEqual(["2 answered 5"]);
  expect(order.indexOf("2 answered 5")).toBeLessThan(order.findIndex((word) => /^to [23]$/.test(word)));
});

test("after a crash no more is read at once than was about to land", async () => {
  const disk = new MemoryDisk();
  const read: number[] = [];
  let down = true;
  let opened = 0;
  class CountingOpener extends Opener {
    override open(...args: Parameters<Opener["open"]>): Buffer {
      opened++;
      return super.open(...args);
    }
  }
  const sink: Sink = {
    name: "central",
    kind: "spool",
    batch: 2,
    exact: {
      place: SPOOL,
      stage: async () => {},
      settle: async () => {
        if (down) throw new Error("not now");
        read.push(opened);
        opened = 0;
        return undefined;
      },
    },
    land: async () => [],
  };
  const box = await openBox(disk, { sinks: [sink] });
  box.attach(EPOCH, 1, new Sender());
  send(box, 1, 2, 3, 4, 5, 6);
  await rest();
  down = false;
  const again = await openBox(disk.after("kill"), { sinks: [sink], opener: new CountingOpener(() => [HUB]) });
  await rest();
  expect(again.status().waiting).toBe(0);
  expect(Math.max(...read)).toBe(2);
});

test("what unpacks into much is taken slowly, a little at a time", async () => {
  const disk = new MemoryDisk();
  const clock = new FakeClock();
  const checked: number[] = [];
  const lane = {
    name: "notify",
    longest: 8 << 20,
    check: ({ body }: { body: Buffer }) => void checked.push(body.length),
  };
  const box = await openBox(disk, { clock, lane, limits: { items: 1000, bytes: 1 << 30, perSecond: 1e9 } });
  box.attach(EPOCH, 1, new Sender());
  const sealed = sealer.seal(Buffer.alloc(8 << 20));
  for (let number = 1; number <= 20; number++) {
    const whole = itemMessage({ number, key: Buffer.alloc(16), kind: "notification", time: 0 }, sealed);
    const [message] = [...new MessageReader(new Set([ITEM])).read(whole)];
    box.receive(EPOCH, readItem(message!.body).head, sealed);
  }
  await rest();
  expect(checked.length).toBe(1);
  for (let second = 1; second <= 2; second++) {
    for (let quarter = 0; quarter < 4; quarter++) {
      clock.advance(250);
      await rest();
    }
    expect(checked.length).toBe(1 + 4 * second);
  }
});
