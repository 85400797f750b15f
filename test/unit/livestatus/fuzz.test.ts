import { expect, test } from "vitest";
import { type Dice, forSeeds, settle } from "../session/rig.ts";
import { answer, type CoreStream, FIXED, KEPT, type Rig, rig, SITE } from "./rig.ts";

/** A core that answers what it is sent: each query with its own text, fixed16 where that was asked for. */
function serve(stream: CoreStream, dice: Dice, executed: string[]): void {
  const requests = stream.received.split(/(?<=\n\n)/);
  for (const request of requests) {
    const [, name = ""] = /^(?:GET|COMMAND) (.*)\n/.exec(request) ?? [];
    if (request.startsWith("COMMAND")) {
      executed.push(name);
      continue;
    }
    const body = bodyOf(name);
    const whole = Buffer.from(request.includes(FIXED) ? answer(body) : body);
    for (let at = 0; at < whole.length; ) {
      const n = 1 + dice.upTo(whole.length);
      stream.says(whole.subarray(at, at + n));
      at += n;
    }
  }
  stream.closes();
}

function bodyOf(name: string): string {
  return `${name};`.repeat(1 + (name.length % 3) * 2_000);
}

interface Conversation {
  text: string;
  expected: string;
  commands: string[];
}

/** What a client says, and what it must hear: each answer, in order. */
function conversation(dice: Dice, who: number): Conversation {
  let [text, expected] = ["", ""];
  const commands: string[] = [];
  const count = 1 + dice.upTo(8);
  for (let n = 0; n < count; n++) {
    const name = `t${who}${"x".repeat(dice.upTo(4))}${n}`;
    const kind = dice.upTo(4);
    if (kind === 0) {
      commands.push(name);
      text += `COMMAND ${name}\n\n`;
    } else if (kind === 1) {
      text += `GET ${name}\nKeepAlive: on\n\n`;
      expected += bodyOf(name);
    } else {
      const cached = kind === 2 ? "Cache: reload\n" : "";
      text += `GET ${name}\n${cached}${KEPT}\n`;
      expected += answer(bodyOf(name));
    }
  }
  return { text, expected, commands };
}

/** Lets the core answer some of what is open, until nothing is. */
async function play(at: Rig, dice: Dice, served: Set<CoreStream>, executed: string[]): Promise<boolean> {
  const open = at.streams.filter((stream) => !served.has(stream));
  expect(open.length).toBeLessThanOrEqual(3);
  for (const stream of open) {
    if (dice.unit() < 0.4) continue;
    served.add(stream);
    serve(stream, dice, executed);
  }
  await settle();
  return open.length > 0;
}

test("whatever several clients say, and however it is cut, each hears its own answers in order", async () => {
  await forSeeds(1, 150, async (dice) => {
    const at = rig({ limits: { channels: 3 } });
    at.facts.generation = dice.unit() < 0.5 ? "1" : undefined;
    const served = new Set<CoreStream>();
    const executed: string[] = [];
    const all = Array.from({ length: 1 + dice.upTo(5) }, (_, who) => ({
      client: at.client(dice.unit() < 0.5 ? "unix" : `127.0.0.${who}`),
      ...conversation(dice, who),
    }));
    const left = all.map(({ text }) => text);
    while (left.some((text) => text !== "")) {
      const who = dice.upTo(all.length);
      const n = 1 + dice.upTo(60);
      const { client } = all[who]!;
      client.blocking = dice.unit() < 0.2;
      if (left[who] !== "") await client.sends(Buffer.from(left[who]!.slice(0, n)));
      left[who] = left[who]!.slice(n);
      if (!client.blocking) client.unblock();
      await play(at, dice, served, executed);
    }
    for (const { client } of all) {
      client.blocking = false;
      client.unblock();
      await client.halfCloses();
    }
    for (let idle = 0; idle < 5; ) idle = (await play(at, dice, served, executed)) ? 0 : idle + 1;
    for (const { client, expected, commands } of all) {
      expect([client.received, client.ending]).toEqual([expected, "ended"]);
      expect(executed.filter((name) => commands.includes(name))).toEqual(commands);
    }
    expect(at.livestatus.state(SITE)).toMatchObject({ clients: 0, busy: 0, waiting: 0 });
    expect([at.gone.length, at.clock.pending]).toEqual([all.length, 0]);
  });
});

test("clients that come, break off and go, and a core that fails, leave nothing behind", async () => {
  await forSeeds(1, 100, async (dice) => {
    const at = rig({ limits: { channels: 2 } });
    at.facts.generation = "1";
    const clients = Array.from({ length: 8 }, () => at.client());
    for (let round = 0; round < 60; round++) {
      const client = clients[dice.upTo(clients.length)]!;
      const stream = at.streams[dice.upTo(at.streams.length)];
      const deeds: (() => unknown)[] = [
        () =>
          client.destroyed ||
          client.readableEnded ||
          client.answer(conversation(dice, 0).text.slice(0, 1 + dice.upTo(200))),
        () => client.destroyed || client.readableEnded || client.answer(dice.bytes(1 + dice.upTo(20))),
        () => client.destroyed || client.finish(),
        () => client.leaves(),
        () => stream?.breaks(dice.unit() < 0.5 ? "sessionLost" : "cancelled"),
        () => stream?.says(answer("abc").slice(0, 1 + dice.upTo(30))),
        () => stream?.closes(),
        () => at.clock.advance(dice.upTo(20_000)),
        () => {
          at.facts.unreachable = dice.unit() < 0.5 ? "away" : undefined;
          at.livestatus.changed(7);
        },
        () => {
          at.facts.full = dice.unit() < 0.3;
        },
      ];
      await deeds[dice.upTo(deeds.length)]!();
      await settle();
    }
    for (const client of clients) await client.leaves();
    for (const stream of at.streams) stream.breaks();
    await settle();
    for (const stream of at.streams) stream.breaks();
    at.clock.advance(1_000_000);
    await settle();
    expect(at.livestatus.state(SITE)).toMatchObject({ clients: 0, busy: 0, waiting: 0 });
    expect([at.gone.length, at.clock.pending]).toEqual([clients.length, 0]);
  });
});
