import { expect, test } from "vitest";
import { settle } from "../mux/rig.ts";
import { rig, SITES } from "./rig.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const RECEIVER = { target: "tcp:127.0.0.1:8000", sites: ["*"] };

test("a stream is joined to the target that hub.toml names, from the site's own address", async () => {
  const { open, dialled, sockets, state } = rig({ receiver: RECEIVER });
  const streams = [open("receiver", "acme"), open("receiver", "globex")];
  await settle();
  expect(dialled).toEqual(
    Object.values(SITES).map(({ address }) => ({
      address: { kind: "tcp", host: "127.0.0.1", port: 8000 },
      source: address,
    })),
  );
  sockets[0]?.connect();
  streams[0]?.stream.write(Buffer.from("a question"));
  streams[0]?.stream.end();
  await settle();
  sockets[0]?.answer("its answer");
  await settle();
  expect(sockets[0]?.received).toBe("a question");
  expect([streams[0]?.text, streams[0]?.ended]).toEqual(["its answer", false]);
  expect(state("receiver")).toMatchObject({ from: "127.64.0.1", open: 1, opened: 1 });
  sockets[0]?.finish();
  await settle();
  expect([streams[0]?.ended, streams[0]?.resetBy]).toEqual([true, undefined]);
  expect(state("receiver")).toMatchObject({ open: 0, opened: 1, limited: 0, unreachable: 0 });
  expect(state("receiver", "globex")).toMatchObject({ open: 1, opened: 1 });
});

test("a name that hub.toml does not have, and one that others may use, are refused with the same code", async () => {
  const { open, dialled, refused, clock, log } = rig({ receiver: { ...RECEIVER, sites: ["acme"] } });
  for (const [site, line] of [
    ["globex", "receiver"],
    ["globex", "nowhere"],
    ["acme", "nowhere"],
    ["acme", "constructor"],
  ] as const) {
    clock.advance(SECOND);
    const stream = open(line, site);
    await settle();
    expect([stream.resetBy, stream.bytes]).toEqual(["serviceRefused", 0]);
  }
  expect(dialled).toEqual([]);
  const reason = "the site may not use a line of this name";
  expect(refused).toEqual([
    { tenant: "globex", site: "main", line: "receiver", reason, untold: 0 },
    { tenant: "globex", site: "main", line: "nowhere", reason, untold: 0 },
    { tenant: "acme", site: "main", line: "nowhere", reason, untold: 0 },
    { tenant: "acme", site: "main", line: "constructor", reason, untold: 0 },
  ]);
  expect(log.lines.map(({ message, fields }) => `${message} ${fields.site} ${fields.line}`)).toEqual([
    "line refused globex/main receiver",
    "line refused globex/main nowhere",
    "line refused acme/main nowhere",
    "line refused acme/main constructor",
  ]);
});

test.each([
  [["*"], true, true],
  [["acme"], true, false],
  [["acme/main"], true, false],
  [["acme/other"], false, false],
  [["globex", "acme/other"], false, true],
])("sites = %j", async (sites, acme, globex) => {
  const { open, state } = rig({ receiver: { ...RECEIVER, sites } });
  const streams = [open("receiver", "acme"), open("receiver", "globex")];
  await settle();
  expect(streams.map((each) => each.resetBy === undefined)).toEqual([acme, globex]);
  expect([state("receiver", "acme"), state("receiver", "globex")].map(Boolean)).toEqual([acme, globex]);
});

test("a line for datagrams is not for connections, and the reverse", async () => {
  const { open, refused, dialled, senders, listens, clock } = rig({
    receiver: RECEIVER,
    syslog: { target: "udp:127.0.0.1:514", sites: ["*"] },
  });
  // an agent that says nothing of a name carries bytes by it
  const bytes = open("syslog");
  await settle();
  clock.advance(SECOND);
  listens.receiver = "udp";
  const datagrams = open("receiver");
  await settle();
  expect([bytes.resetBy, datagrams.resetBy]).toEqual(["serviceRefused", "serviceRefused"]);
  expect(refused.map((each) => each.reason)).toEqual([
    "the line is not for connections",
    "the line is not for datagrams",
  ]);
  expect([dialled, senders]).toEqual([[], []]);
});

test("refusals are told once a second for each site; the next one says how many were not", async () => {
  const { open, refused, clock, log } = rig({ receiver: RECEIVER });
  for (let i = 0; i < 100; i++) open(`x${i}`);
  open("x", "globex");
  await settle();
  expect(refused.map((each) => [each.tenant, each.untold])).toEqual([
    ["acme", 0],
    ["globex", 0],
  ]);
  clock.advance(SECOND);
  open("again");
  await settle();
  expect(refused.at(-1)).toMatchObject({ tenant: "acme", line: "again", untold: 99 });
  expect(log.lines).toHaveLength(3);
});

test("a site has no more streams of a line open at once than allowed; another site is not affected", async () => {
  const { open, state, sockets, log } = rig({ receiver: { ...RECEIVER, streams: 2 } });
  const streams = [open("receiver"), open("receiver"), open("receiver"), open("receiver", "globex")];
  await settle();
  expect(streams.map((each) => each.resetBy)).toEqual([undefined, undefined, "limit", undefined]);
  expect(state("receiver")).toMatchObject({ open: 2, opened: 2, limited: 1 });
  expect(log.lines.map((each) => each.fields.reason)).toEqual(["the site opens too many streams"]);
  sockets[0]?.destroy();
  await settle();
  const next = open("receiver");
  await settle();
  expect(next.resetBy).toBeUndefined();
});

test("a site opens no more streams of a line in a second than allowed", async () => {
  const { open, state, clock } = rig({ receiver: { ...RECEIVER, opens_per_second: 3 } });
  const burst = Array.from({ length: 5 }, () => open("receiver"));
  await settle();
  expect(burst.map((each) => each.resetBy)).toEqual([undefined, undefined, undefined, "limit", "limit"]);
  clock.advance(SECOND);
  const later = open("receiver");
  await settle();
  expect(later.resetBy).toBeUndefined();
  expect(state("receiver")).toMatchObject({ open: 4, limited: 2 });
});

test("a target that refuses, or does not answer in its time, resets the stream as unreachable", async () => {
  const { open, sockets, clock, log, state } = rig({ receiver: { ...RECEIVER, connect_seconds: 5 } });
  const [refused, silent] = [open("receiver"), open("receiver")];
  await settle();
  sockets[0]?.destroy(new Error("connect ECONNREFUSED 127.0.0.1:8000"));
  await settle();
  expect([refused.resetBy, silent.resetBy]).toEqual(["targetUnreachable", undefined]);
  clock.advance(5 * SECOND);
  await settle();
  expect(silent.resetBy).toBe("targetUnreachable");
  expect(state("receiver")).toMatchObject({ open: 0, opened: 2, unreachable: 2 });
  const reasons = ["connect ECONNREFUSED 127.0.0.1:8000", "no connection in time"];
  expect(log.lines.map((each) => each.fields.reason)).toEqual(reasons);
  // each is said once a minute
  for (const lines of [2, 3]) {
    open("receiver");
    await settle();
    sockets.at(-1)?.destroy(new Error(reasons[0]));
    await settle();
    expect(log.lines).toHaveLength(lines);
    clock.advance(MINUTE);
  }
  expect(clock.pending).toBe(0);
});

test("once connected a stream may be silent for as long as it likes", async () => {
  const { open, sockets, clock } = rig({ notify: { target: "tcp:127.0.0.1:6555", sites: ["*"] } });
  const stream = open("notify");
  await settle();
  sockets[0]?.connect();
  clock.advance(24 * 60 * MINUTE);
  await settle();
  expect([stream.resetBy, sockets[0]?.destroyed]).toEqual([undefined, false]);
});

test("what a site used is forgotten with it", async () => {
  const { central, open, state } = rig({ receiver: RECEIVER });
  open("receiver");
  await settle();
  expect(state("receiver")).toMatchObject({ opened: 1 });
  central.forget(SITES.acme);
  expect(state("receiver")).toMatchObject({ opened: 0 });
});

test.each([
  ["tcp:127.0.0.1:8000", "127.64.0.0/16", undefined, "127.64.0.1"],
  ["tcp:localhost:8000", "127.64.0.0/16", undefined, "127.64.0.1"],
  ["tcp:127.0.0.1:8000", "127.64.0.0/16", "host", undefined],
  // nobody but this host can be reached from a 127.x address
  ["tcp:192.0.2.7:8000", "127.64.0.0/16", undefined, undefined],
  ["tcp:central.example:8000", "127.64.0.0/16", undefined, undefined],
  ["tcp:central.example:8000", "127.64.0.0/16", "site", "127.64.0.1"],
  ["tcp:192.0.2.7:8000", "198.18.0.0/24", undefined, "127.64.0.1"],
  ["tcp:central.example:8000", "198.18.0.0/24", undefined, "127.64.0.1"],
  ["tcp:192.0.2.7:8000", "198.18.0.0/24", "host", undefined],
  ["tcp:[::1]:8000", "198.18.0.0/24", undefined, undefined],
  ["unix:/run/central.sock", "198.18.0.0/24", undefined, undefined],
])("%s with the pool %s and source %s is reached from %s", async (target, pool, source, from) => {
  const line = { target, sites: ["*"], ...(source !== undefined && { source }) };
  const { open, dialled, state } = rig({ line }, pool);
  open("line");
  await settle();
  expect(dialled[0]?.source).toBe(from);
  expect(state("line")?.from).toBe(from);
});
