import { expect, test } from "vitest";
import { readCmcdump } from "../../../agent/outbox/dumps/cmcdump.ts";
import { readLivedump, readLivedumpConfig } from "../../../agent/outbox/dumps/livedump.ts";
import { CMCDUMP, LIVEDUMP_CONFIG, livedumpRecord } from "../../lab/checkmk-dumps.ts";

const web = livedumpRecord({ host: "web", code: 1, output: "down", perf: "rta=1" });
const load = livedumpRecord({
  host: "web",
  service: "CPU load",
  code: 2,
  output: "CRIT; a",
  perf: "v=1;2|x",
});

test("livedump's states are read, with alias and address from its configuration", () => {
  const reading = readLivedump(`${web}${load}`, readLivedumpConfig(LIVEDUMP_CONFIG));
  expect([...reading.objects.values()]).toEqual([
    { host: ["web", 1, "down", "", "rta=1", "Web server", "192.0.2.7"] },
    { service: ["web", "CPU load", 2, "CRIT; a", "", "v=1;2|x"] },
  ]);
  expect([reading.kind, reading.refused]).toEqual(["dump", 0]);
});

test("what was never checked has no text, and no state", () => {
  const pending = livedumpRecord({ host: "new", code: 0, output: "", perf: "" });
  const { objects, refused } = readLivedump(`${pending}${web}`);
  expect([[...objects.keys()], refused]).toEqual([["web"], 0]);
});

test.each([
  ["a second line of output", web.replace("output=down", "output=down\nhost_name=globex")],
  ["a line too few", web.replace("reschedule_check\n", "")],
  ["a line too many", web.replace("check_type=1", "check_type=1\nfile_time=1")],
  ["a state that there is not", web.replace("return_code=1", "return_code=4")],
  ["a command", "COMMAND [1795634631] SHUTDOWN_PROGRAM\n\n"],
  ["an output without a bar", web.replace("|rta=1", "")],
  ["no name", web.replace("host_name=web", "host_name=")],
  ["a name that is too long", web.replace("web", "x".repeat(256))],
  ["a name that was there", load],
  ["an end within a record", web.slice(0, -2)],
])("a record with %s is left out and counted, and the rest is read", (_, text) => {
  const { objects, refused, reason } = readLivedump(
    `${load}${text}${text.endsWith("\n\n") ? web.replace("web", "db") : ""}`,
  );
  expect([[...objects.keys()][0], refused]).toEqual(["web\nCPU load", 1]);
  expect(objects.has("db")).toBe(text.endsWith("\n\n"));
  expect(reason).not.toMatch(/\n/);
});

test.each([
  "define host {\n  host_name web\n",
  "host_name web\n}\n",
  "<html>\n",
  "define host {\n  host_name\n}\n",
])("configuration that is none is refused: %j", (text) =>
  expect(() => readLivedumpConfig(text)).toThrow(/configuration/),
);

test("cmcdump's states are read as they are, by name", () => {
  const { objects, kind, refused } = readCmcdump(CMCDUMP);
  expect([...objects.values()]).toEqual([
    { host: ["web", "0;1795634600;UP - fine|rta=1"] },
    { service: ["web", "CPU load", "2;1795634600;CRIT; a|v=1"] },
  ]);
  expect([kind, refused]).toEqual(["shadow", 0]);
});

test.each([
  "COMMAND [1795634631] SHUTDOWN_PROGRAM",
  "COMMAND [1] UPDATE_SHADOW_HOST_STATE;db;0",
  "COMMAND UPDATE_SHADOW_HOST_STATE;db;0",
  "COMMAND [1795634631] UPDATE_SHADOW_HOST_STATE;db",
  "COMMAND [1795634631] UPDATE_SHADOW_HOST_STATE;;0",
  "COMMAND [1795634631] UPDATE_SHADOW_SERVICE_STATE;db;;0",
  "COMMAND [1795634631] UPDATE_SHADOW_SERVICE_STATE;db;Load",
  `COMMAND [1795634631] UPDATE_SHADOW_HOST_STATE;db;${"x".repeat(40_000)}`,
  `COMMAND [1795634631] UPDATE_SHADOW_HOST_STATE;${"x".repeat(256)};0`,
  "COMMAND [1795634631] UPDATE_SHADOW_HOST_STATE;web;1",
  "GET hosts",
])("a line %j is left out and counted, and the rest is read", (line) => {
  const { objects, refused } = readCmcdump(`${CMCDUMP}${line}\n\n`);
  expect([objects.size, refused]).toEqual([2, 1]);
});
