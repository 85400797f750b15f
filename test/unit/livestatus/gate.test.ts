import { describe, expect, test } from "vitest";
import { pass, settle } from "../session/rig.ts";
import { answer, ClientSocket, FIXED, KEPT, newest, rig, SITE } from "./rig.ts";

const QUERY = `GET hosts\nColumns: name state\n${FIXED}`;
const KEPT_QUERY = `GET hosts\nColumns: name state\n${KEPT}`;
const COMMAND = "COMMAND [1700000000] SCHEDULE_HOST_CHECK;a;1\n\n";

describe("a query", () => {
  test("goes to the core on a stream of its own, and its answer comes back as it is", async () => {
    const at = rig();
    const client = await at.client().sends(`${QUERY}\n`);
    expect(newest(at).received).toBe(`${QUERY}\n`);
    newest(at).says(answer("a;0\n").slice(0, 9));
    expect(client.received).toBe("");
    newest(at).says(answer("a;0\n").slice(9)).closes();
    await settle();
    expect([client.received, client.ending]).toEqual([answer("a;0\n"), "ended"]);
    expect(newest(at).credited).toBe(answer("a;0\n").length);
    await client.halfCloses();
    expect(at.gone).toEqual([client]);
    expect(at.clock.pending).toBe(0);
  });

  test("asks the core without KeepAlive and Cache, and for nothing else differently", async () => {
    const at = rig();
    await at
      .client()
      .sends("GET hosts \nCache: reload\nColumns:name\r\nKeepAlive: on\nFilter: name ~ x \nLocaltime: 5\n\n");
    expect(newest(at).received).toBe("GET hosts \nColumns:name\r\nFilter: name ~ x \nLocaltime: 5\n\n");
  });

  test("that is kept alive is followed by the next on a stream of its own", async () => {
    const at = rig();
    const client = await at.client().sends(`${KEPT_QUERY}\n`);
    newest(at).answers("a");
    await client.sends(`${QUERY}\n`);
    expect(at.streams).toHaveLength(2);
    newest(at).answers("b");
    await settle();
    expect([client.received, client.ending]).toEqual([answer("a") + answer("b"), "ended"]);
  });

  test("pipelined ones are asked one after another, and answered in order", async () => {
    const at = rig();
    const client = await at.client().sends(`${KEPT_QUERY}\n`.repeat(3));
    for (const body of ["a", "b", "c"]) {
      expect(at.streams.filter((stream) => !stream.ended)).toHaveLength(1);
      newest(at).answers(body);
      await settle();
    }
    expect([client.received, client.ending]).toEqual([answer("a") + answer("b") + answer("c"), undefined]);
    expect(at.streams).toHaveLength(3);
  });

  test("behind one that was not to be kept alive is not asked", async () => {
    const at = rig();
    const client = await at.client().sends(`${QUERY}\n${QUERY}\n`);
    newest(at).answers("a");
    await settle();
    expect([at.streams.length, client.received, client.ending]).toEqual([1, answer("a"), "ended"]);
  });

  test("without fixed16 its answer ends with the stream, also for one that stays connected", async () => {
    const at = rig();
    const client = await at.client().sends("GET hosts\nKeepAlive: on\n\n");
    newest(at).says("a;0\n").says("b;1\n");
    await settle();
    expect(client.received).toBe("a;0\nb;1\n");
    newest(at).closes();
    await settle();
    expect(client.ending).toBeUndefined();
    await client.sends("GET hosts\n\n");
    newest(at).says("c").closes();
    await settle();
    expect([client.received, client.ending]).toEqual(["a;0\nb;1\nc", "ended"]);
  });

  test("that ends with half-close is passed on so", async () => {
    const at = rig();
    const client = await (await at.client().sends("GET hosts\n")).halfCloses();
    expect([newest(at).received, newest(at).ended]).toEqual(["GET hosts\n", true]);
    newest(at).says("a").closes();
    await settle();
    expect([client.received, at.gone.length]).toEqual(["a", 1]);
  });

  test("with its empty line and half-close keeps its stream open for the answer", async () => {
    const at = rig();
    await (await at.client().sends(`${QUERY}\n`)).halfCloses();
    expect(newest(at).ended).toBe(false);
  });

  test("that the core answers with silence ends as with the core", async () => {
    const at = rig();
    const client = await at.client().sends(`${KEPT_QUERY}\n`);
    newest(at).closes();
    await settle();
    expect([client.received, client.ending]).toEqual(["", "ended"]);
  });

  test("whose answer is no fixed16 though it was asked for is passed on to its end", async () => {
    const at = rig();
    const client = await at.client().sends(`${KEPT_QUERY}\n`);
    newest(at).says("a;b").says(";c;d;e;f;g;h;i;j\n").closes();
    await settle();
    expect(client.received).toBe("a;b;c;d;e;f;g;h;i;j\n");
  });

  test("what a core says behind its answer reaches nobody", async () => {
    const at = rig();
    const client = await at.client().sends(`${KEPT_QUERY}\n`);
    newest(at)
      .says(`${answer("a")}surplus`)
      .says("more");
    await settle();
    expect(client.received).toBe(answer("a"));
    expect(newest(at).credited).toBe(`${answer("a")}surplusmore`.length);
  });

  test("of no method that cores know ends the connection without a word, and no core hears of it", async () => {
    const at = rig();
    const client = await at.client().sends(`GRAB hosts\n${FIXED}\n`);
    expect([client.received, client.ending, at.streams.length]).toEqual(["", "ended", 0]);
  });

  test.each([
    ["\n", "", "ended"],
    ["GET hosts\nResponseHeader: fixed16\nCOMMAND [1] X\n\n", answerStart(400), "ended"],
    [`GET hosts\n${FIXED}Filter: a = \0\n\n`, answerStart(400), "ended"],
    ["GET hosts\nFilter: a = \0\n\n", "", "ended"],
  ])("that is dangerous, as %j, reaches no core", async (text, start, ending) => {
    const at = rig();
    const client = await at.client().sends(text);
    expect([client.received.slice(0, start.length), client.ending, at.streams.length]).toEqual([
      start,
      ending,
      0,
    ]);
    if (start === "") expect(client.received).toBe("");
  });
});

function answerStart(code: number): string {
  return `${code} `;
}

describe("commands", () => {
  test("go to the core at once, which is told that nothing follows", async () => {
    const at = rig();
    const client = await at.client().sends(COMMAND);
    expect([newest(at).received, newest(at).ended, client.received]).toEqual([COMMAND, true, ""]);
    newest(at).closes();
    await settle();
    expect(client.ending).toBeUndefined();
  });

  test("that come together go together, and a query behind them with them", async () => {
    const at = rig();
    const client = await at.client().sends(`${COMMAND}${COMMAND}${KEPT_QUERY}\n${COMMAND}`);
    expect(at.streams).toHaveLength(1);
    expect(newest(at).received).toBe(`${COMMAND}${COMMAND}${QUERY}\n`);
    expect(newest(at).ended).toBe(false);
    newest(at).answers("a");
    await settle();
    expect([client.received, at.streams.length, newest(at).received]).toEqual([answer("a"), 2, COMMAND]);
  });

  test("are never overtaken by a query that comes later: it waits until the core is through", async () => {
    const at = rig();
    const client = await at.client().sends(COMMAND);
    await client.sends(`${QUERY}\n`);
    expect(at.streams).toHaveLength(1);
    newest(at).closes();
    await settle();
    expect([at.streams.length, newest(at).received]).toEqual([2, `${QUERY}\n`]);
  });

  test("are sent once: when the site is lost the client's connection breaks, and it is logged", async () => {
    const at = rig();
    const client = await at.client().sends(COMMAND);
    newest(at).breaks("sessionLost");
    await pass(at.clock, 10_000);
    expect([client.ending, at.streams.length]).toEqual(["reset", 1]);
    expect(at.log.lines.at(-1)).toMatchObject({ message: "commands may be lost", fields: { count: 1 } });
  });

  test("of a client that has left are carried out, its queries are not", async () => {
    const at = rig({ limits: { channels: 1 } });
    await at.client().sends(`GET log\n${KEPT}\n`);
    const client = await at.client().sends(COMMAND);
    await client.sends(`${QUERY}\n${COMMAND}`);
    await client.leaves();
    expect(at.gone).toContain(client);
    newest(at).answers("");
    await settle();
    expect([newest(at).received, newest(at).resetBy]).toEqual([COMMAND, undefined]);
    newest(at).closes();
    await settle();
    expect(at.streams).toHaveLength(3);
    expect([newest(at).received, newest(at).ended]).toEqual([COMMAND, true]);
  });

  test("without a line end, when the client half-closes, are passed on so", async () => {
    const at = rig();
    await (await at.client().sends(COMMAND.trimEnd())).halfCloses();
    expect([newest(at).received, newest(at).ended]).toEqual([COMMAND.trimEnd(), true]);
  });

  test("with headers may have an answer, which is not taken for that of the next query", async () => {
    const at = rig();
    const command = `${COMMAND.trimEnd()}\n${FIXED}\n`;
    const client = await at.client().sends(`${command}${KEPT_QUERY}\n`);
    expect(newest(at).received).toBe(command);
    newest(at).says(answer("")).closes();
    await settle();
    newest(at).answers("a");
    await settle();
    expect(client.received).toBe(answer("") + answer("a"));
  });
});

describe("a site that cannot be reached", () => {
  test("answers at once with 502 and the reason, and the client may go on", async () => {
    const at = rig();
    at.facts.unreachable = "the site is not connected: no heartbeat";
    const client = await at.client().sends(`${KEPT_QUERY}\n${KEPT_QUERY}\n`);
    const error = answer("the site is not connected: no heartbeat\n", 502);
    expect([client.received, client.ending, at.streams.length]).toEqual([error + error, undefined, 0]);
    at.facts.unreachable = undefined;
    await client.sends(`${QUERY}\n`);
    newest(at).answers("a");
    await settle();
    expect([client.received, client.ending]).toEqual([error + error + answer("a"), "ended"]);
  });

  test.each([
    ["127.0.0.1", "GET hosts\n\n", "reset"],
    ["unix", "GET hosts\n\n", "closed"],
    ["127.0.0.1", COMMAND, "reset"],
    ["unix", COMMAND, "closed"],
    ["127.0.0.1", `${QUERY}\n`, "ended"],
  ])(
    "breaks the connection of one at %s who can be told in no other way (%j)",
    async (address, text, ending) => {
      const at = rig();
      at.facts.unreachable = "it is away";
      const client = await at.client(address).sends(text);
      expect(client.ending).toBe(ending);
    },
  );

  test("that has no stream to give says so", async () => {
    const at = rig();
    at.facts.full = true;
    const client = await at.client().sends(`${KEPT_QUERY}\n`);
    expect(client.received).toBe(answer("the site takes no more connections now\n", 502));
    expect(at.livestatus.state({ id: 7, tenant: "acme", name: "main" })).toMatchObject({
      busy: 0,
      waiting: 0,
    });
  });

  test.each([
    ["sessionLost", "the connection to the site was lost\n"],
    ["targetUnreachable", "its agent cannot reach the core\n"],
    ["serviceUnknown", "its agent offers no Livestatus\n"],
    ["serviceRefused", "its agent does not allow this request\n", 403],
    ["cancelled", "the core broke the connection\n"],
  ] as const)(
    "that is lost before the answer (%s) gives an error that says so",
    async (reason, text, code: number = 502) => {
      const at = rig();
      const client = await at.client().sends(`${KEPT_QUERY}\n`);
      newest(at).breaks(reason);
      await settle();
      expect([client.received, client.ending]).toEqual([answer(text, code), undefined]);
    },
  );

  test("that is lost within the answer breaks the connection behind what has come", async () => {
    const at = rig();
    const client = await at.client().sends(`${KEPT_QUERY}\n`);
    newest(at).says(answer("abcdef").slice(0, -1)).breaks("sessionLost");
    await settle();
    expect([client.received, client.ending]).toEqual([answer("abcdef").slice(0, -1), "reset"]);
  });

  test("tells all who wait as soon as it is known, but lets an answer that is coming come", async () => {
    const at = rig({ limits: { channels: 3 } });
    const clients = await Promise.all(Array.from({ length: 20 }, () => at.client().sends(`${KEPT_QUERY}\n`)));
    at.streams[0]?.says(answer("abc").slice(0, 17));
    at.facts.unreachable = "the core does not answer";
    at.livestatus.changed(7);
    await settle();
    const error = answer("the core does not answer\n", 502);
    expect(clients.slice(1).map((client) => client.received)).toEqual(Array(19).fill(error));
    expect(at.streams.slice(1).map((stream) => stream.resetBy)).toEqual(["cancelled", "cancelled"]);
    at.streams[0]?.says("bc").closes();
    await settle();
    expect(clients[0]?.received).toBe(answer("abc"));
    expect(at.livestatus.state({ id: 7, tenant: "acme", name: "main" })).toMatchObject({
      busy: 0,
      waiting: 0,
    });
  });
});

describe("time", () => {
  test("a core that says nothing is given up when the query's time is over, and not before", async () => {
    const at = rig();
    const client = await at.client().sends(`${KEPT_QUERY}\n`);
    at.clock.advance(119_999);
    await settle();
    expect(client.received).toBe("");
    at.clock.advance(1);
    await settle();
    expect(client.received).toBe(answer("the core did not answer within 120 s\n", 502));
    expect(newest(at).resetBy).toBe("cancelled");
  });

  test("one that stops within its answer is given up, counted from its last byte", async () => {
    const at = rig();
    const client = await at.client().sends(`${KEPT_QUERY}\n`);
    await pass(at.clock, 100_000, 10_000);
    newest(at).says(answer("abc").slice(0, 17));
    await pass(at.clock, 119_000, 1_000);
    expect(client.ending).toBeUndefined();
    await pass(at.clock, 1_000, 1_000);
    expect([client.ending, client.received]).toEqual(["reset", answer("abc").slice(0, 17)]);
  });

  test("a query that waits for something has its WaitTimeout besides, within reason", async () => {
    for (const [wait, ms] of [
      ["30000", 150_000],
      ["99999999999", 720_000],
      ["-5", 120_000],
      ["soon", 120_000],
    ] as const) {
      const at = rig();
      const client = await at
        .client()
        .sends(`GET hosts\nWaitTrigger: check\nWaitTimeout: ${wait}\n${KEPT}\n`);
      await pass(at.clock, ms - 1, 10_000);
      expect(client.received).toBe("");
      await pass(at.clock, 1);
      expect(client.received).toMatch(/^502/);
    }
  });

  test("a client that takes nothing of its answer is given up, whether or not that is whole", async () => {
    for (const whole of [true, false]) {
      const at = rig();
      const client = at.client();
      client.blocking = true;
      await client.sends(`${QUERY}\n`);
      const text = answer("x".repeat(100_000));
      newest(at).says(whole ? text : text.slice(0, -1));
      if (whole) newest(at).closes();
      await pass(at.clock, 119_000, 1_000);
      expect([client.destroyed, newest(at).credited]).toEqual([false, 0]);
      // and the two seconds that a broken connection has to take what was said
      await pass(at.clock, 3_000, 1_000);
      // an end would make of what has come all there is
      expect([client.destroyed, client.ending]).toEqual([true, "reset"]);
    }
  });

  test("what a client takes of a long answer is progress", async () => {
    const at = rig();
    const client = at.client();
    await client.sends(`${KEPT_QUERY}\n`);
    const part = "x".repeat(50_000);
    newest(at).says(answer(part.repeat(10)).slice(0, 50_016));
    for (let round = 0; round < 9; round++) {
      client.blocking = true;
      newest(at).says(part);
      await pass(at.clock, 100_000, 10_000);
      expect(newest(at).credited).toBe((round + 1) * 50_000 + 16);
      client.unblock();
      await settle();
      expect(newest(at).credited).toBe((round + 2) * 50_000 + 16);
    }
    expect([client.received.length, client.ending]).toEqual([500_016, undefined]);
  });

  test("a request that has begun must be complete in time, from its first byte", async () => {
    const at = rig();
    const [silent, told] = [at.client(), at.client()];
    for (const line of ["GET hosts\n", FIXED, "Limit: 1\n"]) {
      await told.sends(line);
      await silent.sends(line === FIXED ? "Limit: 2\n" : line);
      await pass(at.clock, 3_000);
    }
    expect([silent.ending, told.ending]).toEqual([undefined, undefined]);
    await pass(at.clock, 1_000);
    expect([told.received, told.ending]).toEqual([
      answer("the request was not complete within 10 s\n", 451),
      "ended",
    ]);
    expect([silent.received, silent.ending, at.streams.length]).toEqual(["", "ended", 0]);
  });

  test("a client that asks nothing is disconnected after a while, counted from its last answer", async () => {
    const at = rig();
    const client = at.client();
    await pass(at.clock, 299_000, 1_000);
    await client.sends(`${KEPT_QUERY}\n`);
    newest(at).answers("a");
    await pass(at.clock, 299_000, 1_000);
    expect(client.ending).toBeUndefined();
    await pass(at.clock, 1_000, 1_000);
    expect(client.ending).toBe("ended");
    // one that does not close its side in turn is closed all the same
    await pass(at.clock, 2_000, 1_000);
    expect(client.destroyed).toBe(true);
    expect(at.clock.pending).toBe(0);
  });

  test("a core that does not end the connection behind its answer is left, and its channel is free", async () => {
    const at = rig({ limits: { channels: 1 } });
    const client = await at.client().sends(`${KEPT_QUERY}\n`.repeat(2));
    newest(at).says(answer("a"));
    await settle();
    expect([client.received, at.streams.length, newest(at).ended]).toEqual([answer("a"), 1, true]);
    await pass(at.clock, 1_000);
    expect([at.streams[0]?.resetBy, at.streams.length]).toEqual(["cancelled", 2]);
  });
});

describe("a client that leaves", () => {
  test("frees its channel and its stream, before and within the answer", async () => {
    const at = rig({ limits: { channels: 1 } });
    for (const part of ["", answer("abc").slice(0, 17)]) {
      const client = await at.client().sends(`${QUERY}\n`);
      newest(at).says(part);
      await client.leaves();
      expect(newest(at).resetBy).toBe("cancelled");
    }
    expect(at.streams).toHaveLength(2);
    expect(at.clock.pending).toBe(0);
  });

  test("before its turn is not asked for", async () => {
    const at = rig({ limits: { channels: 1 } });
    await at.client().sends(`${QUERY}\n`);
    const waiting = await at.client().sends(`${QUERY}\n`);
    await waiting.leaves();
    newest(at).answers("");
    await settle();
    expect(at.streams).toHaveLength(1);
  });
});

describe("a client that speaks TLS with the core itself", () => {
  const hello = Buffer.from("1603010005\n\nhello", "latin1");
  hello[0] = 0x16;

  test("is passed on byte for byte, both ways, as long as it likes", async () => {
    const at = rig();
    const client = await at.client().sends(hello);
    await client.sends("more");
    newest(at).says("\x16answer");
    await pass(at.clock, 1_000_000, 100_000);
    expect([newest(at).received, client.received]).toEqual([`${hello.toString("latin1")}more`, "\x16answer"]);
    newest(at).closes();
    await client.halfCloses();
    expect([newest(at).ended, client.ending, at.gone.length, at.clock.pending]).toEqual([
      true,
      "ended",
      1,
      0,
    ]);
  });

  test("is turned away where the policy would have to look at what it says", async () => {
    for (const policy of [{ commands: "none" as const }, { tables: ["hosts"] }]) {
      const at = rig({ policy });
      const client = await at.client().sends(hello);
      expect([at.streams.length, client.ending]).toEqual([0, "reset"]);
    }
  });

  test("is turned away where clients are to be understood, and that is told", async () => {
    const at = rig();
    const client = at.client();
    const other = new ClientSocket("192.0.2.7");
    let told = 0;
    at.livestatus.serve(
      SITE,
      other.socket,
      () => {},
      () => told++,
    );
    await other.sends(hello);
    expect([told, at.streams.length, other.ending]).toEqual([1, 0, "reset"]);
    await client.sends(hello);
    expect([told, at.streams.length, client.ending]).toEqual([1, 1, undefined]);
  });

  test("begins so: the same byte later is no TLS", async () => {
    const at = rig();
    const client = await at.client().sends(`GET hosts\n${FIXED}Filter: name = `);
    await client.sends(Buffer.from("\x16\n\n"));
    expect(newest(at).received).toBe(`GET hosts\n${FIXED}Filter: name = \x16\n\n`);
  });
});

describe("what a client may cost", () => {
  test("while one request is answered, few bytes of the next are read", async () => {
    const at = rig();
    const client = await at.client().sends(`${KEPT_QUERY}\n`);
    for (let round = 0; round < 40; round++) await client.sends(Buffer.from(`${KEPT_QUERY}\n`.repeat(100)));
    expect(client.pauses).toBe(1);
    expect(client.readableLength).toBeGreaterThan(100_000);
    newest(at).answers("a");
    await settle();
    expect(at.streams).toHaveLength(2);
  });

  test("requests that are under way hold only so much together", async () => {
    const at = rig({ policy: { longestRequest: 8 << 20 } });
    const part = Buffer.from(`GET hosts\n${FIXED}Filter: name = ${"x".repeat(7 << 20)}`);
    const clients = await Promise.all(Array.from({ length: 10 }, () => at.client().sends(part)));
    const refused = clients.filter((client) => client.received.startsWith("413"));
    expect(refused).toHaveLength(1);
    // what they held is free again
    for (const client of clients) await client.leaves();
    const again = await at.client().sends(part);
    expect(again.received).toBe("");
  });

  test("too many clients are turned away at once", async () => {
    const at = rig({ limits: { clients: 2 } });
    const clients = [at.client(), at.client(), at.client()];
    await settle();
    expect(clients.map((client) => client.ending)).toEqual([undefined, undefined, "reset"]);
    await clients[0]?.leaves();
    expect(at.client().ending).toBeUndefined();
  });

  test("an answer that is too large is refused before it begins, or broken off", async () => {
    const at = rig({ policy: { largestAnswer: 1_000 } });
    const [fixed, raw] = [
      await at.client().sends(`${KEPT_QUERY}\n`),
      await at.client().sends("GET hosts\n\n"),
    ];
    at.streams[0]?.says("200        1001\nabc");
    at.streams[1]?.says("x".repeat(600)).says("x".repeat(600));
    await settle();
    expect([fixed.received, fixed.ending]).toEqual([
      answer("the answer is larger than the 1000 bytes allowed\n", 413),
      undefined,
    ]);
    expect([raw.received.length, raw.ending]).toEqual([600, "reset"]);
    expect(at.streams.map((stream) => stream.resetBy)).toEqual(["cancelled", "cancelled"]);
  });

  test("withdrawing the site ends every client and every stream", async () => {
    const at = rig();
    const clients = [await at.client().sends(`${QUERY}\n`), at.client(), await at.client().sends("GET ho")];
    at.livestatus.forget(7);
    await settle();
    expect(clients.map((client) => client.destroyed)).toEqual([true, true, true]);
    expect([newest(at).resetBy, at.gone.length, at.clock.pending]).toEqual(["cancelled", 3, 0]);
  });
});
