import { expect, test } from "vitest";
import { agentConfig } from "../../../agent/config.ts";
import { changedKeys, isAmong } from "../../../common/config/changes.ts";
import { parseConfig } from "../../../common/config/index.ts";

const read = (text: string) => parseConfig("agent.toml", text, agentConfig);

test("keys are told as the file has them, whatever was made of their values", () => {
  const before = read('[services]\nlivestatus = "unix:/a"\nec = "tcp:127.0.0.1:6558"\n');
  const after = read(
    '[services]\nlivestatus = "unix:/b"\nhttp = "tcp:127.0.0.1:80"\n[limits]\nstreams = 7\n',
  );
  expect(changedKeys(before, after)).toEqual([
    "limits.streams",
    "services.ec",
    "services.http",
    "services.livestatus",
  ]);
});

test("a default that is written out changes nothing", () => {
  expect(changedKeys(read(""), read("[limits]\nstreams = 1024\n"))).toEqual([]);
});

test("an array is one value", () => {
  expect(changedKeys({ a: { b: [1, 2] } }, { a: { b: [1, 3] } })).toEqual(["a.b"]);
});

test.each([
  ["services.ec", ["services"], true],
  ["services", ["services.ec"], false],
  ["servicesx", ["services"], false],
  ["sites.a.listen.x", ["sites.*.listen"], true],
  ["sites.a.probe", ["sites.*.listen"], false],
  ["limits.streams", ["log", "limits.streams"], true],
])("%s among %j: %s", (key, patterns, expected) => {
  expect(isAmong(key, patterns)).toBe(expected);
});
