import { expect, test } from "vitest";
import { FakeClock } from "../../../common/clock.ts";
import { Channels } from "../../../hub/livestatus/channels.ts";
import { settle } from "../session/rig.ts";
import { answer, type ClientSocket, KEPT, rig, SITE } from "./rig.ts";

function channels(limit: number) {
  const clock = new FakeClock();
  const all = new Channels({ clock, limit, timeout: 3_000 });
  const served: string[] = [];
  const late: string[] = [];
  const held: (() => void)[] = [];
  const ask = (name: string, who = name) =>
    all.acquire(
      who,
      (release) => {
        served.push(name);
        held.push(release);
      },
      () => late.push(name),
    );
  return { clock, all, served, late, held, ask };
}

test("as many as there are are given at once, the rest as they come back, each once", () => {
  const { all, served, held, ask } = channels(2);
  for (const name of ["a", "b", "c", "d"]) ask(name);
  expect([served, all.busy, all.waiting]).toEqual([["a", "b"], 2, 2]);
  held[0]?.();
  held[0]?.();
  expect([served, all.busy, all.waiting]).toEqual([["a", "b", "c"], 2, 1]);
  for (const release of held.slice(1)) release();
  held.at(-1)?.();
  expect([served, all.busy, all.waiting]).toEqual([["a", "b", "c", "d"], 0, 0]);
});

test("clients take turns: one that asks a lot does not keep others waiting", () => {
  const { served, held, ask } = channels(1);
  for (let n = 1; n <= 5; n++) ask(`a${n}`, "a");
  ask("b1", "b");
  ask("b2", "b");
  ask("c1", "c");
  for (let n = 0; n < 8; n++) held[n]?.();
  expect(served).toEqual(["a1", "a2", "b1", "c1", "a3", "b2", "a4", "a5"]);
});

test("who waits too long is told so, once, and has no place in the queue any more", () => {
  const { clock, all, served, late, held, ask } = channels(1);
  ask("a");
  ask("b");
  clock.advance(1_000);
  ask("c");
  clock.advance(1_999);
  expect(late).toEqual([]);
  clock.advance(1);
  expect([late, all.waiting]).toEqual([["b"], 1]);
  held[0]?.();
  clock.advance(10_000);
  expect([served, late, clock.pending]).toEqual([["a", "c"], ["b"], 0]);
});

test("who gives its place up is neither served nor told", () => {
  const { clock, served, late, held, ask } = channels(1);
  ask("a");
  const leave = ask("b");
  ask("c");
  leave();
  held[0]?.();
  clock.advance(10_000);
  expect([served, late]).toEqual([["a", "c"], []]);
});

test("a newcomer does not overtake those who wait when one is free for a moment", () => {
  const { all, served, held, ask } = channels(1);
  ask("a");
  all.acquire(
    "b",
    (release) => {
      served.push("b");
      // asks again while it is given one
      ask("d");
      release();
    },
    () => {},
  );
  ask("c");
  held[0]?.();
  expect(served).toEqual(["a", "b", "c"]);
});

test("no more questions than allowed are ever with the core, whoever asks", async () => {
  const at = rig({ limits: { channels: 5 } });
  const clients: ClientSocket[] = [];
  for (let n = 0; n < 40; n++) {
    clients.push(await at.client(`127.0.0.${n % 3}`).sends(`GET hosts\nLimit: ${n}\n${KEPT}\n`));
  }
  for (let n = 0; n < 40; n++) {
    const open = at.streams.filter((stream) => !stream.ended);
    expect(open.length).toBe(Math.min(5, 40 - n));
    open[0]?.answers(`${n}`);
    await settle();
  }
  expect(clients.every((client) => client.received.startsWith("200"))).toBe(true);
  expect(at.livestatus.state(SITE)).toMatchObject({ busy: 0, waiting: 0, requests: 40 });
});

test("who finds all channels busy for too long gets a clear error, and may ask again", async () => {
  const at = rig({ limits: { channels: 1 } });
  await at.client().sends(`GET log\n${KEPT}\n`);
  const waiting = await at.client().sends(`GET hosts\n${KEPT}\n`);
  at.clock.advance(3_000);
  await settle();
  const busy = answer("all connections to the core are busy; try again\n", 502);
  expect([waiting.received, waiting.ending]).toEqual([busy, undefined]);
  at.streams[0]?.answers("");
  await waiting.sends(`GET hosts\n${KEPT}\n`);
  at.streams[1]?.answers("a");
  await settle();
  expect(waiting.received).toBe(busy + answer("a"));
});
