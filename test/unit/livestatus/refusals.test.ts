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
  expect(at.refused).toHaveLength(1);
  at.clock.advance(1_000);
  await client.sends(`GET hosts\n${KEPT}\n`);
  expect(at.refused.map((each) => each.untold)).toEqual([0, 999]);
});
