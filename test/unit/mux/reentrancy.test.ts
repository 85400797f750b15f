import { expect, test } from "vitest";
import { FarsiteError } from "../../../common/errors.ts";
import { BULK } from "../../../common/mux/frame.ts";
import type { StreamHandlers } from "../../../common/mux/stream.ts";
import { data, fin, Lone, muxPair, open, reset, settle, type Tap } from "./rig.ts";

/** What a handler may do to its own stream. */
const deeds: Record<string, (tap: Tap) => void> = {
  writes: (tap) => void tap.stream.write(Buffer.from("from within")),
  "writes much": (tap) => void tap.stream.write(Buffer.alloc(300_000)),
  ends: (tap) => tap.stream.end(),
  "writes and ends": (tap) => {
    tap.stream.write(Buffer.from("from within"));
    tap.stream.end();
  },
  resets: (tap) => tap.stream.reset("cancelled"),
  "ends and resets": (tap) => {
    tap.stream.end();
    tap.stream.reset("cancelled");
  },
  consumes: (tap) => tap.stream.consumed(100_000),
};

/** What makes each handler be called. */
const causes: Record<keyof StreamHandlers, (hub: Lone, tap: Tap) => void> = {
  data: (hub) => hub.feed(data(1, "x"), fin(1, "y")),
  end: (hub) => hub.feed(fin(1, "y")),
  drain: (hub, tap) => {
    tap.stream.write(Buffer.alloc(256 << 10));
    hub.flush();
  },
  reset: (hub) => hub.feed(reset(1, 1)),
};

for (const handler of Object.keys(causes) as (keyof StreamHandlers)[]) {
  for (const [deed, act] of Object.entries(deeds)) {
    test(`a handler that ${deed} from within ${handler} breaks neither its stream nor another`, () => {
      const hub = new Lone();
      hub.feed(open(1), open(3));
      const [tap, other] = hub.accepted as [Tap, Tap];
      let acted = 0;
      tap.on = {
        [handler]() {
          if (acted++ === 0) act(tap);
        },
      };
      causes[handler](hub, tap);
      expect(acted).toBeGreaterThan(0);
      hub.flush();
      hub.feed(data(3, "still here"));
      other.stream.write(Buffer.from("and there"));
      expect([other.text, hub.flush()]).toEqual(["still here", [["DATA 3 +9"]]]);
      // whatever it did, the stream can be brought to its end
      if (handler === "drain") hub.feed(fin(1));
      tap.stream.end();
      tap.stream.reset("cancelled");
      hub.feed(reset(1, 1));
      hub.flush();
      expect([hub.mux.streams, hub.ends]).toEqual([1, []]);
    });
  }
}

test("accept may write, end or reset before it returns", async () => {
  const answers = ["write", "end", "reset"];
  const { agent, hub } = muxPair({
    agent: {
      accept(tap) {
        if (tap.stream.service === "reset") return tap.stream.reset("serviceRefused");
        tap.stream.write(Buffer.from("welcome"));
        if (tap.stream.service === "end") tap.stream.end();
      },
    },
  });
  const taps = answers.map((name) => hub.open(name));
  for (const tap of taps) tap.stream.write(Buffer.from("x"));
  await settle();
  expect(taps.map((tap) => [tap.text, tap.ended, tap.resetBy])).toEqual([
    ["welcome", false, undefined],
    ["welcome", true, undefined],
    ["", false, "serviceRefused"],
  ]);
  expect(agent.ends).toEqual([]);
});

test("a stream given up while its last bytes are taken hears no end", () => {
  const hub = new Lone();
  hub.feed(open(1));
  const tap = hub.accepted[0]!;
  tap.on = { data: () => tap.stream.reset("cancelled") };
  hub.feed(fin(1, "last"));
  expect([tap.text, tap.ended, hub.mux.streams, hub.flush()]).toEqual(["last", false, 0, [["RESET 1 1"]]]);
});

test("a handler may open another stream", async () => {
  const { agent, hub } = muxPair();
  const first = hub.open();
  first.on = { data: () => void hub.open("second") };
  await settle();
  agent.accepted[0]?.stream.write(Buffer.from("x"));
  await settle();
  expect(agent.accepted.map((tap) => tap.stream.service)).toEqual(["livestatus", "second"]);
});

test("a drain handler that gives up every stream leaves the record and the mux sound", () => {
  const hub = new Lone();
  const taps = Array.from({ length: 5 }, () => hub.open("bulk", BULK));
  for (const tap of taps) {
    tap.on = {
      drain() {
        for (const each of taps) each.stream.reset("cancelled");
      },
    };
    tap.stream.write(Buffer.alloc(256 << 10));
  }
  hub.flush();
  expect(taps.reduce((sum, tap) => sum + tap.drains, 0)).toBe(1);
  expect(hub.mux.streams).toBe(0);
});

test("a reset handler that gives up the other streams when the session ends hears of each once", () => {
  const hub = new Lone();
  const taps = Array.from({ length: 5 }, () => hub.open());
  for (const tap of taps) {
    tap.on = {
      reset() {
        for (const each of taps) each.stream.reset("cancelled");
        expect(hub.mux.open("again", BULK)).toBeUndefined();
      },
    };
  }
  hub.mux.end();
  expect(hub.mux.streams).toBe(0);
  expect(taps.map((tap) => tap.resetBy)).toEqual(["sessionLost", undefined, undefined, undefined, undefined]);
});

for (const handler of ["data", "end", "drain", "reset"] as const) {
  test(`a handler that ends the session from within ${handler} stops everything at once`, async () => {
    const { agent, hub, clock } = muxPair();
    const near = hub.open();
    const bystander = hub.open();
    await settle();
    const far = agent.accepted[0]!;
    const end = () => hub.session.end(new FarsiteError("E_KEY_REVOKED", "revoked"));
    near.on = { [handler]: end };
    if (handler === "drain") near.stream.write(Buffer.alloc(256 << 10));
    far.stream.write(Buffer.from("x"));
    if (handler === "end") far.stream.end();
    if (handler === "reset") far.stream.reset("internal");
    await settle();
    expect([hub.ends.length, agent.ends.length]).toEqual([1, 1]);
    expect([bystander.resetBy, hub.mux.streams, agent.mux.streams, clock.pending]).toEqual([
      "sessionLost",
      0,
      0,
      0,
    ]);
  });
}
