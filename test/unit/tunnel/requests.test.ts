/** A carrier over plain requests between agent and hub, on lines that lose, repeat, hold and change. */
import { expect, test } from "vitest";
import type { HttpAnswer } from "../../../agent/http/index.ts";
import { NUMBER_HEADER, PATHS, WINDOW } from "../../../common/carrier/https/index.ts";
import { LINGER } from "../../../hub/tunnel/https-carrier.ts";
import { until } from "../handshake/rig.ts";
import { Dice, settle } from "../session/rig.ts";
import { connect, type Deliver, type End, Hub } from "./requests.ts";

const send = ({ carrier }: End, ...texts: string[]) => {
  for (const text of texts) carrier.send(Buffer.from(text));
};
const numberOf = (headers: Record<string, string>) => Number(headers[NUMBER_HEADER]);
const answered = (status: number, headers: Record<string, string> = {}, body = ""): HttpAnswer => ({
  status,
  headers,
  body: Buffer.from(body),
});

test("messages go both ways, in order, and both sides hear when all have left", async () => {
  const { agent, hub } = await connect(new Hub());
  send(agent, "a", "b");
  send(hub, "x", "y");
  await settle();
  send(agent, "c");
  send(hub, "z");
  await settle();
  expect([hub.heard, agent.heard]).toEqual([
    ["a", "b", "c"],
    ["x", "y", "z"],
  ]);
  expect([agent.carrier.kind, hub.carrier.kind]).toEqual(["https", "https"]);
  expect([agent.drained, hub.drained, agent.carrier.unsent, hub.carrier.unsent]).toEqual([2, 2, 0, 0]);
});

test("there are always as many requests for messages as may be, and no more", async () => {
  const { hub, requests } = await connect(new Hub());
  const polls = () => requests.filter((each) => each.path === PATHS.down).length;
  await settle();
  expect(polls()).toBe(WINDOW);
  for (let n = 1; n <= 10; n++) {
    send(hub, `${n}`);
    await settle();
    expect(polls()).toBe(WINDOW + n);
  }
});

test("no more batches are under way than may be; what comes meanwhile leaves together", async () => {
  const hold = Promise.withResolvers<void>();
  const { agent, hub, requests } = await connect(new Hub(), async (request, pass) => {
    if (request.path === PATHS.up) await hold.promise;
    return pass(request);
  });
  for (let n = 0; n < 10; n++) {
    send(agent, `${n}`);
    await settle();
  }
  const ups = () => requests.filter((each) => each.path === PATHS.up).length;
  expect(ups()).toBe(WINDOW);
  expect(agent.carrier.unsent).toBe(10 - WINDOW);
  hold.resolve();
  await settle();
  await settle();
  expect(ups()).toBe(WINDOW + 1);
  expect(hub.heard.join("")).toBe("0123456789");
});

test("a batch that is answered late holds up those far behind it, so that the order is kept", async () => {
  const hold = Promise.withResolvers<void>();
  const { agent, hub } = await connect(new Hub(), async (request, pass) => {
    if (request.path === PATHS.up && numberOf(request.headers) === 0) await hold.promise;
    return pass(request);
  });
  for (let n = 0; n < 20; n++) {
    send(agent, `${n},`);
    await settle();
  }
  expect(hub.heard).toEqual([]);
  hold.resolve();
  await until(() => hub.heard.length === 20);
  expect(hub.heard).toEqual(Array.from({ length: 20 }, (_, n) => `${n},`));
  expect([agent.closed, hub.closed]).toEqual([[], []]);
});

test.each<[string, Deliver]>([
  [
    "a request that never arrived",
    (() => {
      const lost = new Set<string>();
      return async (request, pass) => {
        const key = `${request.path} ${numberOf(request.headers)}`;
        if (lost.has(key)) return pass(request);
        lost.add(key);
        throw new Error("the connection broke");
      };
    })(),
  ],
  [
    "an answer that got lost",
    (() => {
      const lost = new Set<string>();
      return async (request, pass) => {
        const key = `${request.path} ${numberOf(request.headers)}`;
        const answer = await pass(request);
        if (lost.has(key)) return answer;
        lost.add(key);
        throw new Error("the connection broke");
      };
    })(),
  ],
  [
    "a gateway that gave up",
    (() => {
      const lost = new Set<string>();
      return async (request, pass) => {
        const key = `${request.path} ${numberOf(request.headers)}`;
        if (lost.has(key)) return pass(request);
        lost.add(key);
        return answered(504, {}, "gateway timeout");
      };
    })(),
  ],
  [
    "a proxy that repeats every request",
    async (request, pass) => {
      if (request.path === PATHS.down) return pass(request);
      await pass(request);
      return pass(request);
    },
  ],
  [
    "a cache that answers once with what it kept of another request",
    (() => {
      const seen = new Map<string, HttpAnswer>();
      return async (request, pass) => {
        const kept = seen.get(request.path);
        seen.delete(request.path);
        if (kept && numberOf(request.headers) % 2 === 1) return kept;
        const answer = await pass(request);
        seen.set(request.path, answer);
        return answer;
      };
    })(),
  ],
])("messages survive %s", async (_, deliver) => {
  const { agent, hub } = await connect(new Hub(), deliver);
  for (let n = 0; n < 30; n++) {
    send(agent, `${n}`);
    send(hub, `${n}`);
    await settle();
  }
  await until(() => hub.heard.length === 30 && agent.heard.length === 30);
  const all = Array.from({ length: 30 }, (__, n) => `${n}`);
  expect([hub.heard, agent.heard, agent.closed, hub.closed]).toEqual([all, all, [], []]);
});

test("on any line messages come in order and once, or the carrier ends", async () => {
  let [whole, broken] = [0, 0];
  for (let seed = 1; seed <= 60; seed++) {
    const dice = new Dice(seed);
    // from lines that are nearly good to hopeless ones
    const evil = dice.unit() * 0.3;
    const { agent, hub } = await connect(new Hub(), async (request, pass) => {
      for (let waits = dice.upTo(4); waits > 0; waits--) await settle();
      if (dice.unit() < evil) throw new Error("lost on the way there");
      const answer = pass(request);
      if (dice.unit() < evil && request.path !== PATHS.down) await pass(request);
      if (dice.unit() < evil) {
        await answer;
        throw new Error("lost on the way back");
      }
      return answer;
    });
    const all = Array.from({ length: 40 }, (_, n) => `${n}`);
    for (const text of all) {
      send(agent, text);
      send(hub, text);
      if (dice.upTo(2)) await settle();
    }
    await until(() => (hub.heard.length === 40 && agent.heard.length === 40) || agent.closed.length > 0);
    expect(hub.heard).toEqual(all.slice(0, hub.heard.length));
    expect(agent.heard).toEqual(all.slice(0, agent.heard.length));
    if (agent.closed.length > 0) broken++;
    else whole++;
  }
  expect([whole > 5, broken > 5]).toEqual([true, true]);
});

test("a request that fails again and again ends the carrier, with the reason", async () => {
  const { agent, requests } = await connect(new Hub(), async (request, pass) => {
    if (request.path === PATHS.up) throw new Error("the connection broke");
    return pass(request);
  });
  send(agent, "a");
  await settle();
  expect(agent.closed).toEqual(["the connection broke"]);
  expect(requests.filter((each) => each.path === PATHS.up)).toHaveLength(4);
});

test("a request for messages may be cut as often as one likes, when it was held in between", async () => {
  const its = new Hub();
  let cut: (error: Error) => void = () => {};
  const { agent, hub } = await connect(its, async (request, pass) => {
    const answer = pass(request);
    if (numberOf(request.headers) !== 0) return answer;
    const line = Promise.withResolvers<never>();
    cut = line.reject;
    return Promise.race([answer, line.promise]);
  });
  for (let n = 0; n < 20; n++) {
    its.clock.advance(1_000);
    cut(new Error("gateway timeout"));
    await settle();
  }
  send(hub, "a");
  await settle();
  expect([agent.heard, agent.closed]).toEqual([["a"], []]);
});

test.each([
  [
    "another server's page",
    answered(200, {}, "<html>"),
    "a request was answered with HTTP status 200, and not by the hub",
  ],
  ["a login", answered(302), "a request was answered with HTTP status 302, and not by the hub"],
  ["a malformed batch", answered(200, { [NUMBER_HEADER]: "0" }, "xyz"), "a batch of messages is cut short"],
  [
    "a hub that does not know it",
    answered(404, {}, "there is no such carrier\n"),
    "there is no such carrier",
  ],
])("%s in the hub's place ends the carrier", async (_, answer, reason) => {
  const { agent } = await connect(new Hub(), async (request, pass) => {
    return request.path === PATHS.down && numberOf(request.headers) === 0 ? answer : pass(request);
  });
  await settle();
  expect(agent.closed).toEqual([reason]);
});

test("what the agent sends before it closes is heard, and then the hub's end closes", async () => {
  const { agent, hub } = await connect(new Hub());
  send(agent, "a", "b");
  agent.carrier.close("the agent stops");
  send(agent, "too late");
  await until(() => agent.closed.length > 0);
  expect([hub.heard, hub.closed, agent.closed]).toEqual([
    ["a", "b"],
    ["closed by the agent"],
    ["the agent stops"],
  ]);
});

test("what the hub sends before it closes is heard, even when batches overtake each other", async () => {
  for (const slow of [0, 1, 2]) {
    const hold = Promise.withResolvers<void>();
    const { agent, hub } = await connect(new Hub(), async (request, pass) => {
      const answer = await pass(request);
      if (request.path === PATHS.down && numberOf(request.headers) === slow) await hold.promise;
      return answer;
    });
    send(hub, "a");
    await settle();
    send(hub, "why");
    hub.carrier.close("E_KEY_REVOKED");
    await settle();
    hold.resolve();
    await until(() => agent.closed.length > 0);
    expect([agent.heard, agent.closed]).toEqual([["a", "why"], ["E_KEY_REVOKED"]]);
  }
});

test("what the hub said last is heard although it takes nothing more", async () => {
  const its = new Hub();
  const hold = Promise.withResolvers<void>();
  const { agent, hub } = await connect(its, async (request, pass) => {
    const answer = await pass(request);
    if (request.path === PATHS.down) await hold.promise;
    return answer;
  });
  send(hub, "why");
  hub.carrier.close("E_KEY_REVOKED");
  send(agent, "a question");
  await settle();
  expect(agent.closed).toEqual([]);
  hold.resolve();
  await until(() => agent.closed.length > 0);
  expect([agent.heard, agent.closed, hub.heard]).toEqual([["why"], ["E_KEY_REVOKED"], []]);
});

test("an agent that closes does not wait for a dead line", async () => {
  const its = new Hub();
  const { agent } = await connect(its, () => new Promise<never>(() => {}));
  send(agent, "a");
  agent.carrier.close("the agent stops");
  await settle();
  its.clock.advance(1_999);
  expect(agent.closed).toEqual([]);
  its.clock.advance(1);
  expect(agent.closed).toEqual(["the agent stops"]);
});

test("nothing is left of carriers that closed, on either side", async () => {
  const its = new Hub();
  const first = await connect(its);
  const second = await connect(its);
  expect(its.carriers.size).toBe(2);
  first.agent.carrier.close("the agent stops");
  second.hub.carrier.close("the hub stops");
  await until(() => first.agent.closed.length + second.agent.closed.length === 2);
  its.clock.advance(LINGER);
  await settle();
  expect([its.carriers.size, its.admission.open, first.hub.closed, second.hub.closed]).toEqual([
    0,
    0,
    ["closed by the agent"],
    ["the hub stops"],
  ]);
});
