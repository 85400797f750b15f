/** The HTTP face of carriers over plain requests: who may ask what, and how much. */
import { describe, expect, test } from "vitest";
import {
  CARRIER_HEADER,
  ERROR_HEADER,
  encodeBatch,
  HOLD,
  MAX_BATCH,
  MAX_FIRST_BATCH,
  NUMBER_HEADER,
  PATHS,
  WINDOW,
} from "../../../common/carrier/https/index.ts";
import { LINGER } from "../../../hub/tunnel/https-carrier.ts";
import { settle } from "../session/rig.ts";
import { Hub } from "./requests.ts";

const about = (name: string, number: number | string) => ({
  [CARRIER_HEADER]: name,
  [NUMBER_HEADER]: String(number),
});
const batch = (text: string) => encodeBatch([Buffer.from(text)]);

test("answers are bytes that nobody may keep, and bear the request's number", async () => {
  const hub = new Hub();
  const opened = await hub.ask(PATHS.open);
  expect([opened.status, opened.headers.get(CARRIER_HEADER)]).toEqual([
    200,
    expect.stringMatching(/^[0-9a-f]{32}$/),
  ]);
  const name = opened.headers.get(CARRIER_HEADER) ?? "";
  const up = await hub.ask(PATHS.up, about(name, 0), batch("a"));
  hub.ends[0]?.carrier.send(Buffer.from("b"));
  const down = await hub.ask(PATHS.down, about(name, 0));
  for (const answer of [opened, up, down]) {
    expect(answer.headers.get("content-type")).toBe("application/octet-stream");
    expect(answer.headers.get("cache-control")).toBe("no-store");
  }
  expect([up.headers.get(NUMBER_HEADER), down.headers.get(NUMBER_HEADER)]).toEqual(["0", "0"]);
  expect([await up.text(), await down.text(), hub.ends[0]?.heard]).toEqual(["", "\0\x01b", ["a"]]);
});

test("a request for messages may take as long as it is held, and then some", async () => {
  const hub = new Hub();
  const name = await hub.open();
  void hub.ask(PATHS.down, about(name, 0));
  expect(hub.allowed.at(-1)).toBeGreaterThan(HOLD / 1000 + 10);
});

test.each(Object.values(PATHS))("%s answers nothing but POST", async (path) => {
  for (const method of ["GET", "PUT", "DELETE", "OPTIONS"]) {
    const request = new Request(`https://hub.example${path}`, { method });
    const answer = await new Hub().carriers.answer(request, path, "192.0.2.1", () => {});
    expect([answer?.status, answer?.headers.get("allow")]).toEqual([405, "POST"]);
  }
});

test.each(["/tunnel/", "/tunnel/openx", "/tunnel/up/x", "/tunnel/OPEN"])(
  "%s is none of its paths",
  (path) => {
    const request = new Request(`https://hub.example${path}`, { method: "POST" });
    expect(new Hub().carriers.answer(request, path, "192.0.2.1", () => {})).toBeUndefined();
  },
);

describe("handshakes", () => {
  test("more than the hub takes at once are turned away, in the hub's own name", async () => {
    const hub = new Hub(2);
    hub.welcome = () => new Promise(() => {});
    await hub.open();
    await hub.open();
    const answer = await hub.ask(PATHS.open);
    expect([answer.status, answer.headers.get(ERROR_HEADER), hub.carriers.size]).toEqual([
      503,
      "E_HUB_BUSY",
      2,
    ]);
  });

  test("one that is over makes room, and its carrier stays", async () => {
    const hub = new Hub(1);
    await hub.open();
    await settle();
    expect([hub.admission.open, (await hub.ask(PATHS.open)).status, hub.carriers.size]).toEqual([0, 200, 2]);
  });

  test("one that was refused makes room when nothing is left of it", async () => {
    const hub = new Hub(1);
    hub.welcome = async (carrier) => carrier.close("E_KEY_UNKNOWN");
    await hub.open();
    await settle();
    expect((await hub.ask(PATHS.open)).status).toBe(503);
    hub.clock.advance(LINGER);
    await settle();
    expect([(await hub.ask(PATHS.open)).status, hub.carriers.size]).toEqual([200, 1]);
  });
});

test("a carrier that both sides close is gone at once", async () => {
  const hub = new Hub(1);
  hub.welcome = async (carrier) => carrier.close("enrolled");
  const name = await hub.open();
  await settle();
  expect((await hub.ask(PATHS.close, about(name, 0))).status).toBe(410);
  await settle();
  expect([hub.carriers.size, hub.admission.open, hub.ends[0]?.closed]).toEqual([0, 0, ["enrolled"]]);
});

describe("a request", () => {
  test.each(["", "x", "0".repeat(32), "00", "é"])(
    "for the carrier %j, which is not there, is refused",
    async (name) => {
      const hub = new Hub();
      await hub.open();
      const headers = name === "" ? { [NUMBER_HEADER]: "0" } : about(encodeURIComponent(name), 0);
      for (const path of [PATHS.up, PATHS.down, PATHS.close]) {
        expect((await hub.ask(path, headers)).status).toBe(404);
      }
      expect(hub.ends[0]).toMatchObject({ heard: [], closed: [] });
    },
  );

  test.each(["-1", "1.5", "1e3", "x", "", "9".repeat(16)])(
    "with the number %j is refused",
    async (number) => {
      const hub = new Hub();
      const name = await hub.open();
      for (const path of [PATHS.up, PATHS.down, PATHS.close]) {
        expect((await hub.ask(path, about(name, number))).status).toBe(400);
      }
      expect(hub.ends[0]?.closed).toEqual([]);
    },
  );

  test.each([PATHS.up, PATHS.close])("to %s of no stated length is refused", async (path) => {
    const hub = new Hub();
    const name = await hub.open();
    const request = new Request(`https://hub.example${path}`, { method: "POST", headers: about(name, 0) });
    request.headers.delete("content-length");
    expect((await hub.carriers.answer(request, path, "192.0.2.1", () => {}))?.status).toBe(411);
  });

  test("that is longer than a handshake needs is refused unread until that is over", async () => {
    const hub = new Hub();
    const welcomed = Promise.withResolvers<void>();
    hub.welcome = () => welcomed.promise;
    const name = await hub.open();
    const length = (bytes: number) => ({ ...about(name, 0), "content-length": String(bytes) });
    expect((await hub.ask(PATHS.up, length(MAX_FIRST_BATCH + 1))).status).toBe(413);
    expect((await hub.ask(PATHS.up, length(MAX_FIRST_BATCH), batch("a"))).status).toBe(200);
    welcomed.resolve();
    await settle();
    const next = (bytes: number) => ({ ...about(name, 1), "content-length": String(bytes) });
    expect((await hub.ask(PATHS.up, next(MAX_BATCH + 1))).status).toBe(413);
    expect((await hub.ask(PATHS.up, next(MAX_BATCH), batch("b"))).status).toBe(200);
    expect(hub.ends[0]?.heard).toEqual(["a", "b"]);
  });

  test("that is malformed is refused, and the carrier goes on: whoever sent it", async () => {
    const hub = new Hub();
    const name = await hub.open();
    expect((await hub.ask(PATHS.up, about(name, 0), Buffer.from("xyz"))).status).toBe(400);
    expect((await hub.ask(PATHS.up, about(name, 0), batch("a"))).status).toBe(200);
    expect(hub.ends[0]).toMatchObject({ heard: ["a"], closed: [] });
  });

  test("out of order ends the carrier", async () => {
    const hub = new Hub();
    const name = await hub.open();
    expect((await hub.ask(PATHS.up, about(name, WINDOW), batch("a"))).status).toBe(410);
    await settle();
    expect(hub.ends[0]?.closed).toEqual(["the agent sent messages out of order"]);
    expect([(await hub.ask(PATHS.up, about(name, 0))).status, hub.carriers.size]).toEqual([404, 0]);
  });

  test("beside too many others of its carrier is refused", async () => {
    const hub = new Hub();
    const name = await hub.open();
    const endless = () =>
      hub.ask(PATHS.up, { ...about(name, 0), "content-length": "10" }, undefined, {
        body: new ReadableStream({}),
      } as RequestInit);
    for (let n = 0; n < 2 * WINDOW; n++) void endless();
    expect((await endless()).status).toBe(429);
    expect(hub.ends[0]?.closed).toEqual([]);
  });

  test("that its sender gave up is not answered in another's place", async () => {
    const hub = new Hub();
    const name = await hub.open();
    const gone = new AbortController();
    const first = hub.ask(PATHS.down, about(name, 0), undefined, { signal: gone.signal });
    await settle();
    gone.abort();
    expect((await first).status).toBe(409);
    hub.ends[0]?.carrier.send(Buffer.from("a"));
    expect((await (await hub.ask(PATHS.down, about(name, 0))).text()).slice(2)).toBe("a");
  });

  test("of another carrier's holder reaches that carrier alone", async () => {
    const hub = new Hub();
    const [one, two] = [await hub.open(), await hub.open()];
    expect(one).not.toBe(two);
    await hub.ask(PATHS.up, about(one, 0), batch("for one"));
    await hub.ask(PATHS.up, about(two, 0), batch("for two"));
    hub.ends[1]?.carrier.send(Buffer.from("secret"));
    const asked = hub.ask(PATHS.down, about(one, 0));
    await settle();
    hub.ends[0]?.carrier.close("over");
    expect((await asked).status).toBe(410);
    expect(hub.ends.map((end) => end.heard)).toEqual([["for one"], ["for two"]]);
  });
});
