import { randomBytes } from "node:crypto";
import type { ServerWebSocket } from "bun";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { FarsiteLab, until } from "../../lab/farsite.ts";
import { RawWebSocket } from "../raw-websocket.ts";
import { expectNoTrace, expectRefusal } from "../refusal.ts";
import { tokenOf } from "../token.ts";

const lab = new FarsiteLab();
afterAll(() => lab.end());

const MAGIC = 0x46;
const [ACCEPTED, REFUSED] = [0, 1];
const [SESSION, ENROLMENT] = [1, 2];

/** The first message of an agent or a hub of any version. */
const first = (version: number, kind: number, rest: Uint8Array | string = "") =>
  Buffer.concat([Buffer.from([MAGIC, version, kind]), Buffer.from(rest)]);

/** Something that takes WebSockets as a hub does and answers the first message in its own way. */
function fakeHub(answer: (socket: ServerWebSocket, message: Buffer) => void, port = 0): string {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port,
    fetch: (request, self) => (self.upgrade(request) ? undefined : new Response("", { status: 400 })),
    websocket: { message: (socket, message) => answer(socket, Buffer.from(message)) },
  });
  onTestFinished(() => server.stop(true));
  return `ws://127.0.0.1:${server.port}`;
}

describe("an agent of another protocol version", () => {
  test.each([
    ["newer", 2, SESSION],
    ["newer, enrolling", 2, ENROLMENT],
    ["older", 0, SESSION],
    ["far newer", 255, 7],
  ])("%s: the hub says so in the open, and goes on", async (_, version, kind) => {
    const hub = await lab.startHub();
    const agent = await RawWebSocket.open(hub.port);
    agent.send(first(version, kind, randomBytes(96)));
    await agent.closed;
    const text = `E_VERSION the agent speaks protocol version ${version}, this hub version 1`;
    expect(agent.messages.map(String)).toEqual([first(1, REFUSED, text).toString()]);
    await until("the log line", () => /warning agent refused .*code=E_VERSION/.test(hub.process.output));
    expectNoTrace(hub.process.output);
    const real = await lab.connect(hub, "acme/main");
    await Promise.all([real.stop(), hub.stop()]);
  });
});

describe("a hub of another protocol version", () => {
  const answer = (socket: ServerWebSocket) => socket.send(first(2, ACCEPTED, randomBytes(48)));

  test("ends an enrolment", async () => {
    const said: Buffer[] = [];
    const url = fakeHub((socket, message) => {
      said.push(message);
      answer(socket);
    });
    const finished = await lab.makeAgent().enroll(tokenOf(url));
    expectRefusal(
      finished,
      "E_VERSION",
      "the hub speaks protocol version 2, this agent version 1",
      "releases that share a protocol version",
    );
    expect(said.map((message) => [...message.subarray(0, 3)])).toEqual([[MAGIC, 1, ENROLMENT]]);
  });

  test("that refuses this version in the open ends an enrolment", async () => {
    const url = fakeHub((socket) =>
      socket.send(first(1, REFUSED, "E_VERSION this hub speaks version 2 only")),
    );
    const finished = await lab.makeAgent().enroll(tokenOf(url));
    expectRefusal(finished, "E_VERSION", "this hub speaks version 2 only", "releases that share");
  });

  test("is what a running agent complains of", async () => {
    const hub = await lab.startHub({ listen: { tls: "off" } });
    const { token } = await hub.addSite("acme/main");
    const agent = lab.makeAgent();
    await agent.ok("enroll", token);
    await hub.stop();
    fakeHub(answer, hub.port);
    await agent.start();
    await agent.complains("E_VERSION");
    expect(await agent.ok("status")).toContain("the hub speaks protocol version 2, this agent version 1");
    await agent.stop();
  });
});

describe("a hub that does not keep to the protocol ends an enrolment", () => {
  test.each([
    ["with another greeting", Buffer.from("hello, agent"), "E_HANDSHAKE", "first message is not Farsite's"],
    ["with too short a greeting", Buffer.from([MAGIC]), "E_HANDSHAKE", "first message is not Farsite's"],
    ["with too long a greeting", first(1, ACCEPTED, randomBytes(5000)), "E_HANDSHAKE", "is not Farsite's"],
    ["with an unknown status", first(1, 9), "E_HANDSHAKE", "unknown status 9"],
    ["without its key", first(1, ACCEPTED, randomBytes(120)), "E_HUB_KEY", "could not prove to be the hub"],
    ["with an unknown refusal", first(1, REFUSED, "E_LATER \u001b[31mred"), "E_HANDSHAKE", "?[31mred"],
    ["with an empty refusal", first(1, REFUSED), "E_HANDSHAKE", "the hub refused"],
  ] as const)("%s", async (_, message, code, says) => {
    const url = fakeHub((socket) => socket.send(message));
    expectRefusal(await lab.makeAgent().enroll(tokenOf(url)), code, says);
  });

  test("by a text", async () => {
    const url = fakeHub((socket) => socket.send("text"));
    expectRefusal(await lab.makeAgent().enroll(tokenOf(url)), "E_HANDSHAKE", "closed during the handshake");
  });

  test("by closing", async () => {
    const url = fakeHub((socket) => socket.close(1001, "going away"));
    expectRefusal(await lab.makeAgent().enroll(tokenOf(url)), "E_HANDSHAKE", "closed", "going away");
  });

  test("by silence", async () => {
    // half of the time is left for another kind of carrier
    const agent = lab.makeAgent({ limits: { handshake_seconds: 2 } });
    const finished = await agent.enroll(tokenOf(fakeHub(() => {})));
    expectRefusal(finished, "E_HANDSHAKE_TIMEOUT", "the handshake did not finish in 1 s", "hub's log");
  });
});
