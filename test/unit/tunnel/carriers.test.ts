/** Which kind of carrier is chosen, and when a better one is tried again. */
import { describe, expect, test } from "vitest";
import { CarrierBlocked } from "../../../agent/tunnel/blocked.ts";
import { Carriers, type CarriersOptions } from "../../../agent/tunnel/carriers.ts";
import type { Carrier } from "../../../common/carrier/index.ts";
import { type MemoryCarrier, memoryPair } from "../../../common/carrier/memory.ts";
import { FakeClock } from "../../../common/clock.ts";
import { type ErrorCode, FarsiteError } from "../../../common/errors.ts";
import { MemoryLog } from "../../../common/log.ts";
import { MINUTE, rejection, SECOND, settle } from "../handshake/rig.ts";
import { jitter } from "./rig.ts";

const TARGET = { url: "wss://hub.example", timeout: 20 * SECOND };
const failure = (code: ErrorCode = "E_HUB_UNREACHABLE", message = "down") => new FarsiteError(code, message);
const blocked = (message = "HTTP status 426") => new CarrierBlocked(failure("E_HUB_UNREACHABLE", message));

/** How dialling one kind of carrier goes: it fails so, or what it gives is answered, or stays silent. */
type Way = FarsiteError | "answers" | "silent";

class Rig {
  readonly clock = new FakeClock();
  readonly log = new MemoryLog();
  readonly ways: Record<"WebSocket" | "HTTPS", Way>;
  /** What was dialled, with the time that it had. */
  readonly dialled: [string, number][] = [];
  /** The hub's end of every carrier. */
  readonly hubEnds: MemoryCarrier[] = [];
  readonly carriers: Carriers;

  constructor(webSocket: Way, https: Way, options: Partial<CarriersOptions> = {}) {
    this.ways = { WebSocket: webSocket, HTTPS: https };
    const kind = (name: "WebSocket" | "HTTPS") => ({
      name,
      dial: async ({ timeout }: { timeout: number }) => {
        this.dialled.push([name, timeout / SECOND]);
        const way = this.ways[name];
        if (typeof way !== "string") throw way;
        const [near, far] = memoryPair();
        this.hubEnds.push(far);
        far.attach({
          message: () => way === "answers" && far.send(Buffer.from("hello")),
          drain() {},
          close() {},
        });
        return near;
      },
    });
    this.carriers = new Carriers({
      kinds: [kind("WebSocket"), kind("HTTPS")],
      clock: this.clock,
      random: jitter(0.5),
      log: this.log,
      retry: 5 * MINUTE,
      ...options,
    });
  }

  /** Asks over a carrier, and waits for the answer; then `serve` has it. */
  readonly work =
    (serve: Way | ((carrier: Carrier) => void) = () => {}) =>
    (carrier: Carrier) =>
      new Promise<Carrier>((resolve, reject) => {
        carrier.attach({
          message: () => {
            if (serve instanceof FarsiteError) reject(serve);
            else resolve(carrier);
          },
          drain() {},
          close: (reason) => reject(failure("E_HANDSHAKE", reason)),
        });
        carrier.send(Buffer.from("hi"));
      });

  open(): Promise<Carrier> {
    return this.carriers.open(TARGET, this.work());
  }

  openBetter(): Promise<Carrier> {
    return this.carriers.openBetter(TARGET, this.work());
  }

  /** Opens one, lets it live, and has something on the way cut it. */
  async cutAfter(ms: number): Promise<void> {
    await this.open();
    this.clock.advance(ms);
    this.hubEnds.at(-1)?.cut("cut on the way");
    await settle();
  }

  get names(): string[] {
    return this.dialled.map(([name]) => name);
  }
}

test("while WebSockets get through, nothing else is tried", async () => {
  const its = new Rig("answers", "answers");
  for (let n = 0; n < 3; n++) await its.open();
  expect(its.names).toEqual(["WebSocket", "WebSocket", "WebSocket"]);
  expect([its.carriers.blocked, its.carriers.retryIn]).toEqual([undefined, undefined]);
});

describe("HTTPS serves at once, within the same attempt, and comes first from then on, when a WebSocket", () => {
  test("is answered by something else", async () => {
    const its = new Rig(blocked(), "answers");
    await its.open();
    await its.open();
    expect(its.dialled).toEqual([
      ["WebSocket", 10],
      ["HTTPS", 20],
      ["HTTPS", 10],
    ]);
    expect(its.carriers.blocked).toBe("WebSocket does not get through: HTTP status 426");
    expect(its.log.lines.map((line) => line.message)).toEqual(["carriers are HTTPS from now on"]);
  });

  test("is opened, and then nothing comes over it", async () => {
    const its = new Rig("silent", "answers");
    const opened = its.open();
    await settle();
    its.clock.advance(10 * SECOND - 1);
    await settle();
    expect(its.names).toEqual(["WebSocket"]);
    its.clock.advance(1);
    await opened;
    expect(its.names).toEqual(["WebSocket", "HTTPS"]);
    expect(its.carriers.blocked).toContain("the handshake did not finish in 10 s");
    expect(its.hubEnds[0]?.closed).toBe(true);
  });

  test("is opened and closed before anything came over it", async () => {
    const its = new Rig("silent", "answers");
    const opened = its.open();
    await settle();
    its.hubEnds[0]?.cut("cut on the way");
    await opened;
    expect(its.names).toEqual(["WebSocket", "HTTPS"]);
  });
});

test.each<[string, FarsiteError]>([
  ["a hub that cannot be reached", failure()],
  ["a certificate that is not trusted", failure("E_TLS_UNTRUSTED")],
  ["a hub that is busy", failure("E_HUB_BUSY")],
])("with %s nothing else is tried: it would fail the same", async (_, error) => {
  const its = new Rig(error, "answers");
  expect(await rejection(its.open())).toBe(error);
  expect([its.names, its.carriers.blocked]).toEqual([["WebSocket"], undefined]);
});

test("a hub that refuses has been reached: nothing else is tried", async () => {
  const its = new Rig("answers", "answers");
  const refusal = failure("E_KEY_REVOKED");
  expect(await rejection(its.carriers.open(TARGET, its.work(refusal)))).toBe(refusal);
  expect([its.names, its.carriers.blocked]).toEqual([["WebSocket"], undefined]);
});

test("a fault in what is done with a carrier is no sign of a blocked line", async () => {
  const its = new Rig("answers", "answers");
  const fault = new Error("a fault");
  const work = async () => Promise.reject(fault);
  await expect(its.carriers.open(TARGET, work)).rejects.toBe(fault);
  expect(its.names).toEqual(["WebSocket"]);
});

test("when neither gets through, the WebSocket's failure is told and the next attempt begins with it again", async () => {
  const its = new Rig(blocked("HTTP status 302"), blocked("HTTP status 404"));
  for (let n = 0; n < 2; n++) expect((await rejection(its.open())).message).toBe("HTTP status 302");
  expect(its.names).toEqual(["WebSocket", "HTTPS", "WebSocket", "HTTPS"]);
  expect([its.carriers.blocked, its.carriers.retryIn]).toEqual([undefined, undefined]);
});

test("what HTTPS is refused for when it gets through is told", async () => {
  const busy = failure("E_HUB_BUSY");
  const its = new Rig(blocked(), busy);
  expect(await rejection(its.open())).toBe(busy);
  its.ways.HTTPS = "answers";
  const refusal = failure("E_KEY_REVOKED");
  expect(await rejection(its.carriers.open(TARGET, its.work(refusal)))).toBe(refusal);
  expect(its.carriers.blocked).toBeUndefined();
});

test("where HTTPS stops getting through, the WebSocket is tried at once, and stays when it does", async () => {
  const its = new Rig(blocked(), "answers");
  await its.open();
  its.ways.HTTPS = blocked();
  its.ways.WebSocket = "answers";
  await its.open();
  await its.open();
  expect(its.names).toEqual(["WebSocket", "HTTPS", "HTTPS", "WebSocket", "WebSocket"]);
  expect([its.carriers.blocked, its.carriers.retryIn]).toEqual([undefined, undefined]);
});

describe("while HTTPS serves, the WebSocket is worth another try", () => {
  test.each([
    [0, 48, 240],
    [0.5, 60, 300],
    [0.999_999, 72, 360],
  ])("with jitter at %d of its range after %d s, then every %d s", async (unit, first, then) => {
    const its = new Rig(blocked(), "answers", { random: jitter(unit) });
    await its.open();
    expect(Math.round((its.carriers.retryIn as number) / SECOND)).toBe(first);
    its.clock.advance(10 * SECOND);
    expect(Math.round((its.carriers.retryIn as number) / SECOND)).toBe(first - 10);
    its.clock.advance(first * SECOND);
    expect(its.carriers.retryIn).toBe(0);
    for (let n = 0; n < 3; n++) {
      await rejection(its.openBetter());
      expect(Math.round((its.carriers.retryIn as number) / SECOND)).toBe(then);
      its.clock.advance(then * SECOND);
    }
  });

  test("no later than asked for", async () => {
    const its = new Rig(blocked(), "answers", { retry: 2 * SECOND });
    await its.open();
    expect(its.carriers.retryIn).toBe(2 * SECOND);
  });

  test("alone: HTTPS is not dialled again for it", async () => {
    const its = new Rig(blocked(), "answers");
    await its.open();
    await rejection(its.openBetter());
    expect(its.dialled.slice(2)).toEqual([["WebSocket", 10]]);
    expect(its.carriers.blocked).toBeDefined();
  });

  test("and stays when it gets through", async () => {
    const its = new Rig(blocked(), "answers");
    await its.open();
    its.ways.WebSocket = "answers";
    await its.openBetter();
    await its.open();
    expect(its.names.slice(2)).toEqual(["WebSocket", "WebSocket"]);
    expect([its.carriers.blocked, its.carriers.retryIn]).toEqual([undefined, undefined]);
  });
});

describe("a kind of carrier whose carriers are cut soon after they opened", () => {
  test("is given up after the third in a row", async () => {
    const its = new Rig("answers", "answers");
    for (let n = 0; n < 3; n++) await its.cutAfter(SECOND);
    expect(its.carriers.blocked).toBe("WebSocket is cut again and again within 10 s");
    await its.open();
    expect(its.names).toEqual(["WebSocket", "WebSocket", "WebSocket", "HTTPS"]);
  });

  test("is not given up when one in between holds", async () => {
    const its = new Rig("answers", "answers");
    for (const held of [1, 1, 10, 1, 1, 10, 1, 1]) await its.cutAfter(held * SECOND);
    expect(its.carriers.blocked).toBeUndefined();
  });

  test("is given up after the first when it has been before, until one holds", async () => {
    const its = new Rig("answers", "answers");
    for (let n = 0; n < 3; n++) await its.cutAfter(SECOND);
    await its.openBetter();
    its.hubEnds.at(-1)?.cut("cut on the way");
    await settle();
    expect(its.carriers.blocked).toBeDefined();
    await its.openBetter();
    its.clock.advance(10 * SECOND);
    its.hubEnds.at(-1)?.cut("cut on the way");
    await settle();
    for (let n = 0; n < 2; n++) await its.cutAfter(SECOND);
    expect(its.carriers.blocked).toBeUndefined();
  });

  test("counts only what something else ended", async () => {
    const its = new Rig("answers", "answers");
    for (let n = 0; n < 5; n++) {
      (await its.open()).close("replaced");
      await settle();
    }
    expect(its.carriers.blocked).toBeUndefined();
  });

  test("gives way to the other one also when that is the WebSocket", async () => {
    const its = new Rig(blocked(), "answers");
    await its.open();
    its.ways.WebSocket = "answers";
    for (let n = 0; n < 3; n++) await its.cutAfter(SECOND);
    await its.open();
    expect([its.names.at(-1), its.carriers.blocked]).toEqual(["WebSocket", undefined]);
  });
});

describe("of one kind alone", () => {
  test("nothing else is tried, and it has all the time", async () => {
    const its = new Rig(blocked(), "answers");
    const dial = async (target: { timeout: number }) => {
      its.dialled.push(["only", target.timeout / SECOND]);
      throw blocked();
    };
    const only = new Carriers({
      kinds: [{ name: "only", dial }],
      clock: its.clock,
      random: jitter(0.5),
      log: its.log,
      retry: MINUTE,
    });
    await rejection(only.open(TARGET, its.work()));
    expect(its.dialled).toEqual([["only", 20]]);
    expect([only.blocked, only.retryIn, its.clock.pending]).toEqual([undefined, undefined, 0]);
  });
});

test("no timer is left when a carrier served or failed", async () => {
  const its = new Rig("silent", "answers");
  const opened = its.open();
  await settle();
  its.hubEnds[0]?.cut("cut on the way");
  await opened;
  expect(its.clock.pending).toBe(0);
});
