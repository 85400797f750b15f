import { expect, test } from "vitest";
import { BULK, INTERACTIVE } from "../../../common/mux/index.ts";
import { settle } from "../mux/rig.ts";
import { connections } from "./rig.ts";

test("a client is joined to a stream of the line's name, with half-close both ways", async () => {
  const { client, its, line } = connections();
  const socket = client();
  socket.answer("hello");
  socket.finish();
  await settle();
  const [far] = its.accepted;
  expect([far?.stream.service, far?.text, far?.ended]).toEqual(["notify", "hello", true]);
  far?.stream.write(Buffer.from("and back"));
  await settle();
  expect([socket.received, socket.writableEnded]).toEqual(["and back", false]);
  expect(line.state("tcp:127.0.0.1:6555")).toMatchObject({ clients: 1, opened: 1, failed: 0 });
  far?.stream.end();
  await settle();
  expect([socket.writableEnded, socket.wasReset]).toEqual([true, false]);
});

test.each([
  ["notify", INTERACTIVE],
  ["receiver", BULK],
  ["central-https", BULK],
  ["backup", INTERACTIVE],
])("%s has the priority %i", (name, priority) => {
  const { client, opens } = connections(10, name);
  client();
  expect(opens).toEqual([{ name, priority }]);
});

test("without a way to the hub a client is reset at once, and said so once a minute", async () => {
  const { client, its, line, clock, said } = connections();
  its.connected = false;
  const turnedAway = [client(), client()];
  expect(turnedAway.map((each) => each.wasReset)).toEqual([true, true]);
  expect(line.state("")).toMatchObject({ clients: 0, opened: 2, failed: 2 });
  expect(said()).toEqual(["notify: not connected to the hub"]);
  clock.advance(60_000);
  client();
  expect(said()).toHaveLength(2);
});

test.each([
  ["serviceRefused", "the hub does not allow this line for this site"],
  ["targetUnreachable", "the hub cannot reach the line's target"],
  ["limit", "the hub takes no more streams for now"],
] as const)(
  "a client whose stream the hub resets with %s is reset, and the log says why",
  async (refusal, text) => {
    const { client, its, line, said } = connections();
    its.refusal = refusal;
    const socket = client();
    await settle();
    expect(socket.wasReset).toBe(true);
    expect(said()).toEqual([`notify: ${text}`]);
    expect(line.state("")).toMatchObject({ clients: 0, opened: 1, failed: 1 });
  },
);

test("no more clients than allowed are connected at once", async () => {
  const { client, said } = connections(2);
  const sockets = [client(), client(), client()];
  expect(sockets.map((each) => each.wasReset)).toEqual([false, false, true]);
  expect(said()).toEqual(["notify: more than 2 clients"]);
  sockets[0]?.destroy();
  await settle();
  expect(client().wasReset).toBe(false);
});

test("a client that goes away in good order is no failure", async () => {
  const { client, its, line, said } = connections();
  const socket = client();
  await settle();
  socket.destroy();
  await settle();
  expect(its.accepted[0]?.resetBy).toBe("cancelled");
  expect([said(), line.state("").failed]).toEqual([[], 0]);
});
