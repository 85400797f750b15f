/** How long cores take to answer. */
import { expect, test } from "vitest";
import { settle } from "../session/rig.ts";
import { type ClientSocket, newest, rig, SITE } from "./rig.ts";

const QUERY = "GET hosts\nColumns: name\n";
const FIXED = "ResponseHeader: fixed16\n";

test.each([
  ["a query in fixed16", `${QUERY}${FIXED}\n`, 200],
  ["a query whose end is that of the connection", `${QUERY}\n`, undefined],
])("%s counts from its first byte to its answer's last", async (_, text, code) => {
  const at = rig();
  await at.client().sends(text);
  at.clock.advance(30);
  if (code === undefined) newest(at).says("a;0\n");
  at.clock.advance(10);
  expect(at.answered).toEqual([]);
  if (code === undefined) newest(at).closes();
  else newest(at).answers("a;0\n", code);
  await settle();
  expect(at.answered).toEqual([[SITE.id, 40]]);
});

test("what waits for something to happen, a command, and what is cut do not count", async () => {
  const at = rig();
  await at.client().sends(`${QUERY}WaitTrigger: all\nWaitTimeout: 5000\n${FIXED}\n`);
  newest(at).answers("a");
  const client: ClientSocket = await at.client().sends("COMMAND [1700000000] X\n\n");
  await client.halfCloses();
  newest(at).closes();
  await at.client().sends(`${QUERY}${FIXED}\n`);
  newest(at).says("200          10\nhalf").closes();
  await settle();
  expect(at.answered).toEqual([]);
});
