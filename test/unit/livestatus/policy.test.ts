import { expect, test } from "vitest";
import { z } from "zod";
import { FakeClock } from "../../../common/clock.ts";
import {
  commandName,
  describeRequest,
  judge,
  type Policy,
  policyKeys,
  policyOf,
  Refusal,
  type Request,
  RequestReader,
} from "../../../common/livestatus/index.ts";
import { Rate } from "../../../common/rate.ts";

const open = policyOf(z.strictObject(policyKeys).parse({}));

function request(text: string): Request {
  const reader = new RequestReader({ longest: 10_000 });
  reader.push(Buffer.from(`${text}\n\n`));
  const item = reader.next();
  if (!item || item instanceof Refusal) throw new Error(`no request: ${text}`);
  return item;
}

const verdict = (policy: Partial<Policy>, text: string) => judge({ ...open, ...policy }, request(text));

test.each([
  ["[1700000000] RESTART_PROGRAM", "RESTART_PROGRAM"],
  ["[1700000000] ACKNOWLEDGE_SVC_PROBLEM;a;b;RESTART_PROGRAM", "ACKNOWLEDGE_SVC_PROBLEM"],
  ["[0] _CUSTOM;x", "_CUSTOM"],
  ["[1700000000]  RESTART_PROGRAM", undefined],
  ["[1700000000]RESTART_PROGRAM", undefined],
  ["[1700000000]\tRESTART_PROGRAM", undefined],
  ["[17000a0000] RESTART_PROGRAM", undefined],
  ["[] RESTART_PROGRAM", undefined],
  ["RESTART_PROGRAM", undefined],
  ["[1] Restart_Program", undefined],
  ["[1] RESTART_PROGRAM x", undefined],
  ["[1] RESTART_PROGRAM \t;x", undefined],
  ["[1] ;x", undefined],
  ["", undefined],
])("the command of %j is %s", (target, name) => {
  expect(commandName(target)).toBe(name);
});

test("without a policy everything goes, in whatever form", () => {
  for (const text of ["GET hosts", "GET", "GET no such", "COMMAND [1] X", "COMMAND x", "grab hosts"]) {
    expect(verdict({}, text)).toBeUndefined();
  }
});

test("read-only: no command, whatever it is called", () => {
  for (const text of ["COMMAND [1] X", "COMMAND", "COMMAND x", "COMMAND [1]  X"]) {
    expect(verdict({ commands: "none" }, text)?.code, text).toBe(403);
  }
  expect(verdict({ commands: "none" }, "GET hosts")).toBeUndefined();
});

test("commands by name, and by the beginning of a name", () => {
  const commands = ["ACKNOWLEDGE_*", "SCHEDULE_HOST_DOWNTIME"];
  const of = (text: string) => verdict({ commands }, `COMMAND ${text}`)?.message;
  expect(of("[1] ACKNOWLEDGE_SVC_PROBLEM;a;b")).toBeUndefined();
  expect(of("[1] SCHEDULE_HOST_DOWNTIME;a")).toBeUndefined();
  expect(of("[1] SCHEDULE_HOST_DOWNTIMES;a")).toBe("the command SCHEDULE_HOST_DOWNTIMES is not allowed here");
  expect(of("[1] X;ACKNOWLEDGE_SVC_PROBLEM")).toBe("the command X is not allowed here");
  // a core might be more generous about the form, and see a name that is not allowed
  expect(of("[1]xACKNOWLEDGE_SVC_PROBLEM")).toMatch(/not written as/);
  expect(verdict({ commands: [] }, "COMMAND [1] X")?.code).toBe(403);
});

test("tables by name, written exactly so", () => {
  const tables = ["hosts", "status"];
  for (const text of ["GET hosts", "GET  status"]) expect(verdict({ tables }, text)).toBeUndefined();
  for (const text of ["GET log", "GET Hosts", "GET hosts log", "GET", "GET hosts\x0b"]) {
    expect(verdict({ tables }, text)?.code, text).toBe(text === "GET hosts\x0b" ? undefined : 403);
  }
  expect(verdict({ tables }, "COMMAND [1] X")).toBeUndefined();
  expect(verdict({ tables }, "GET log")?.message).toBe("the table log is not open to queries here");
});

test("what is said of a request never repeats what a client made up", () => {
  expect(describeRequest(request("COMMAND [1] ADD_HOST_COMMENT;host;secret"))).toBe(
    "COMMAND ADD_HOST_COMMENT",
  );
  expect(describeRequest(request("COMMAND \x1b[31m"))).toBe("COMMAND of an unknown form");
  expect(describeRequest(request("GET hosts\nFilter: a = secret"))).toBe("GET hosts");
  expect(describeRequest(request("GET \x1b[31mred"))).toBe("GET of that name");
});

test.each([
  [{ commands: "some" }],
  [{ commands: ["lower"] }],
  [{ commands: ["A*B"] }],
  [{ tables: ["Hosts"] }],
  [{ tables: "none" }],
  [{ longest_request_mib: 0 }],
  [{ requests_per_second: 0 }],
  [{ table: "all" }],
])("%j is no policy", (input) => {
  expect(z.strictObject(policyKeys).safeParse(input).success).toBe(false);
});

test("a rate lets a second's worth through at once, then one at a time", () => {
  const clock = new FakeClock();
  const rate = new Rate(clock, 4);
  const granted = () => Array.from({ length: 10 }, () => rate.take()).filter(Boolean).length;
  expect(granted()).toBe(4);
  clock.advance(250);
  expect(granted()).toBe(1);
  clock.advance(100_000);
  expect(granted()).toBe(4);
});

test("a rate below one a second still lets one through at a time", () => {
  const clock = new FakeClock();
  const rate = new Rate(clock, 0.5);
  expect([rate.take(), rate.take()]).toEqual([true, false]);
  clock.advance(1_999);
  expect(rate.take()).toBe(false);
  clock.advance(1);
  expect(rate.take()).toBe(true);
});

test("a rate may let more than a second's worth through after a pause", () => {
  const clock = new FakeClock();
  const rate = new Rate(clock, 1, 3);
  const granted = () => Array.from({ length: 10 }, () => rate.take()).filter(Boolean).length;
  expect(granted()).toBe(3);
  clock.advance(2_000);
  expect(granted()).toBe(2);
  clock.advance(100_000);
  expect(granted()).toBe(3);
});
