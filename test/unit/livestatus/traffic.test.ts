import { expect, test } from "vitest";
import { trafficDetails, trafficText } from "../../../hub/livestatus/traffic.ts";
import { FIXED, newest, rig, SITE } from "./rig.ts";

const PROBE = `GET status\nColumns: program_start num_hosts\n${FIXED}\n`;

test("how many of the static queries were answered without the core is told in numbers and as a rate", async () => {
  const at = rig();
  at.facts.generation = "1 2";
  await at.client().sends(PROBE);
  newest(at).answers("[[1,2]]\n");
  for (let count = 0; count < 2; count++) await at.client().sends(PROBE);
  await at.client().sends(`GET hosts\nColumns: state\n${FIXED}\n`);
  const state = at.livestatus.state(SITE);
  expect(trafficDetails(state, 5)).toEqual([
    ["Cached responses", "1"],
    ["Cache hits", "2 of 3 (66.7 %)"],
    ["Channels busy", "1 of 5"],
    ["Waiting for a channel", "0"],
    ["Clients", "4"],
    ["Requests", "4"],
    ["Refused requests", "0"],
  ]);
  expect(state && trafficText(state)).toBe(
    "4, 0 of them refused; 4 clients connected; 1 with the core, 0 waiting; from the cache 2 of 3 (66.7 %)",
  );
});

test("a site that nobody has asked for has no rate", () => {
  expect(trafficDetails(undefined, 5)).toContainEqual(["Cache hits", "0 of 0"]);
});
