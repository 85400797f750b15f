import { expect, test } from "vitest";
import { settle } from "../session/rig.ts";
import { answer, FIXED, KEPT, newest, rig, SITE } from "./rig.ts";

const COMMAND = "COMMAND [1700000000] RESTART_PROGRAM\n\n";

test("a command that is not allowed reaches no core: the connection is broken, and the audit told", async () => {
  const at = rig({ policy: { commands: "none" } });
  const client = await at.client("192.0.2.1").sends(COMMAND);
  expect([client.received, client.ending, at.streams.length]).toEqual(["", "reset", 0]);
  expect(at.refused).toEqual([
    {
      tenant: "acme",
      site: "main",
      client: "192.0.2.1",
      user: undefined,
      request: "COMMAND RESTART_PROGRAM",
      by: "hub",
      reason: "this site takes no commands: it is read-only here",
      untold: 0,
    },
  ]);
  expect(at.log.lines.at(-1)).toMatchObject({
    message: "livestatus request refused",
    fields: { site: "acme/main" },
  });
  expect(at.livestatus.state(SITE)).toMatchObject({ refused: 1 });
});

test("one that asks for an answer gets it, and the connection ends: who gives commands does not read", async () => {
  const at = rig({ policy: { commands: ["ADD_*"] } });
  const client = await at.client().sends(`COMMAND [1] STOP\n${FIXED}\nGET hosts\n${KEPT}\n`);
  expect(client.received).toBe(answer("the command STOP is not allowed here\n", 403));
  expect([client.ending, at.streams.length]).toEqual(["ended", 0]);
});

test("allowed commands before one that is not are carried out, it and what is behind it are not", async () => {
  const at = rig({ policy: { commands: ["ADD_*"] } });
  const client = await at
    .client()
    .sends(`COMMAND [1] ADD_A\n\nCOMMAND [1] ADD_B\n\nCOMMAND [1] STOP\n\nCOMMAND [1] ADD_C\n\n`);
  expect(newest(at).received).toBe("COMMAND [1] ADD_A\n\nCOMMAND [1] ADD_B\n\n");
  newest(at).closes();
  await settle();
  expect([client.ending, at.streams.length]).toEqual(["reset", 1]);
});

test("a table that is not open is refused in the form that was asked for; the next query goes on", async () => {
  const at = rig({ policy: { tables: ["hosts"] } });
  const client = await at.client().sends(`GET log\nAuthUser: zo\xc3\xab\n${KEPT}\nGET hosts\n${KEPT}\n`);
  newest(at).answers("a");
  await settle();
  expect(client.received).toBe(answer("the table log is not open to queries here\n", 403) + answer("a"));
  const silent = await at.client().sends("GET log\n\n");
  expect([silent.received, silent.ending]).toEqual(["", "reset"]);
  expect(at.refused[0]).toMatchObject({ request: "GET log", client: "127.0.0.1" });
});

test("beyond its rate a client is told so at once", async () => {
  const at = rig({ policy: { requestsPerSecond: 2 } });
  const client = await at.client().sends(`GET hosts\n${KEPT}\n`.repeat(3));
  for (const body of ["a", "b"]) {
    newest(at).answers(body);
    await settle();
  }
  expect(client.received).toBe(
    answer("a") + answer("b") + answer("the site gets too many requests; try again\n", 429),
  );
  at.clock.advance(500);
  await client.sends(`GET hosts\n${KEPT}\n`);
  expect(at.streams).toHaveLength(3);
});

test("who is refused a thousand times does not fill the audit: the rest is counted", async () => {
  const at = rig({ policy: { tables: [] } });
  const client = await at.client().sends(`GET hosts\n${KEPT}\n`.repeat(1_000));
  expect(client.received.match(/^403/gm)).toHaveLength(1_000);
  expect(at.refused).toHaveLength(10);
  at.clock.advance(1_000);
  await client.sends(`GET hosts\n${KEPT}\n`);
  expect(at.refused.map((each) => each.untold)).toEqual([...Array(10).fill(0), 990]);
  await client.sends(`GET hosts\n${KEPT}\n`);
  expect(at.refused).toHaveLength(11);
});

test("each site has a policy of its own: what one is refused another is asked", async () => {
  const other = { id: 8, tenant: "beta", name: "main" };
  const at = rig({ policies: { "acme/main": { commands: "none", queryTimeout: 5_000 } } });
  expect((await at.client().sends(COMMAND)).ending).toBe("reset");
  const allowed = await at.client("127.0.0.1", other).sends(COMMAND);
  expect([allowed.ending, newest(at).received]).toEqual([undefined, COMMAND]);
  const [slow, patient] = [at.client(), at.client("127.0.0.1", other)];
  for (const client of [slow, patient]) await client.sends(`GET hosts\n${FIXED}\n`);
  at.clock.advance(5_000);
  await settle();
  expect(slow.received).toBe(answer("the core did not answer within 5 s\n", 502));
  expect([patient.received, patient.ending]).toEqual(["", undefined]);
});

test("a request that is too long, and one that hides another, are in the audit; an empty one is not", async () => {
  const at = rig({ policy: { longestRequest: 100 } });
  await at.client().sends(`GET hosts\n${FIXED}Filter: name = ${"x".repeat(100)}\n\n`);
  at.clock.advance(1_000);
  await at.client("192.0.2.1").sends("GET hosts\nCOMMAND [1] STOP\n\n");
  at.clock.advance(1_000);
  await at.client().sends("\n");
  expect(at.refused.map(({ request, reason, client }) => [request, reason, client])).toEqual([
    ["a malformed request", "the request is longer than the 100 bytes allowed", "127.0.0.1"],
    [
      "a malformed request",
      "a second request begins within the first: its empty line is missing",
      "192.0.2.1",
    ],
  ]);
});

test("an answer that is larger than allowed is in the audit, with what was asked", async () => {
  const at = rig({ policy: { largestAnswer: 100 } });
  const client = await at.client().sends(`GET log\nAuthUser: zoe\n${FIXED}\n`);
  newest(at).says(`200 ${" ".repeat(8)}101\n`);
  await settle();
  expect(client.received).toBe(answer("the answer is larger than the 100 bytes allowed\n", 413));
  expect(at.refused).toMatchObject([
    { request: "GET log", user: "zoe", by: "hub", reason: "the answer is larger than the 100 bytes allowed" },
  ]);
});

test("TLS with the core itself is turned away where it could not be judged, and the audit told", async () => {
  const at = rig({ policy: { tables: ["hosts"] } });
  expect((await at.client("192.0.2.1").sends(Buffer.from([0x16, 3, 1]))).ending).toBe("reset");
  expect(at.refused).toMatchObject([{ request: "TLS with the core itself", client: "192.0.2.1", by: "hub" }]);
});

test("what the agent does not let in is in the audit, with the agent's reason where it gives one", async () => {
  const at = rig();
  const client = await at.client().sends(`GET log\nAuthUser: zoe\n${FIXED}\n`);
  newest(at).says(answer("the table log is not open\x9b31m to queries here\n", 403)).breaks("serviceRefused");
  await settle();
  expect([client.received.slice(0, 3), client.ending]).toEqual(["403", "ended"]);
  at.clock.advance(1_000);
  const silent = await at.client().sends("COMMAND [1] ADD_A;secret\n\nCOMMAND [1] ADD_B\n\n");
  newest(at).breaks("serviceRefused");
  await settle();
  expect(silent.ending).toBe("reset");
  expect(at.refused).toEqual([
    {
      tenant: "acme",
      site: "main",
      client: "127.0.0.1",
      user: "zoe",
      request: "GET log",
      by: "agent",
      reason: expect.stringMatching(/^the table log is not open\?+31m to queries here$/),
      untold: 0,
    },
    {
      tenant: "acme",
      site: "main",
      client: "127.0.0.1",
      user: undefined,
      request: "COMMAND ADD_A, COMMAND ADD_B",
      by: "agent",
      reason: "its agent does not allow this request",
      untold: 0,
    },
  ]);
});

test("a core's own 403 is no refusal of the agent's", async () => {
  const at = rig();
  const client = await at.client().sends(`GET hosts\nAuthUser: zoe\n${FIXED}\n`);
  newest(at).answers("unauthorized\n", 403);
  await settle();
  expect(client.received).toBe(answer("unauthorized\n", 403));
  expect(at.refused).toEqual([]);
});
