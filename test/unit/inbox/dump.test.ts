import { expect, test } from "vitest";
import type { DumpBody, HostRecord, ServiceRecord } from "../../../common/outbox/index.ts";
import { checkResultFile } from "../../../hub/inbox/dumps/check-results.ts";
import { commandsFor, RESULTS, SHADOWS } from "../../../hub/inbox/dumps/commands.ts";
import { type Dump, readDump } from "../../../hub/inbox/dumps/dump.ts";
import { MOST_OBJECTS, Roster } from "../../../hub/inbox/dumps/roster.ts";

const PREFIX = "acme-";

const host = (name: string, output = "up", state = 0): HostRecord => [
  name,
  state,
  output,
  "",
  "",
  name,
  "::1",
];
const service = (of: string, description: string, output = "ok"): ServiceRecord => [
  of,
  description,
  0,
  output,
  "",
  "",
];

const bytes = (changes: Partial<DumpBody>): Buffer =>
  Buffer.from(
    JSON.stringify({
      version: 1,
      reset: false,
      complete: true,
      hosts: [],
      services: [],
      gone: [],
      ...changes,
    }),
  );
const read = (changes: Partial<DumpBody>): Dump => readDump("dump", bytes(changes), PREFIX);

test("every host gets the site's prefix, so that no other's can be named", () => {
  const { hosts, services, gone } = read({
    hosts: [host("web"), host("globex-web")],
    services: [service("db", "Load")],
    gone: [["old"], ["web", "Old"]],
  });
  expect([...hosts.keys()]).toEqual(["acme-web", "acme-globex-web"]);
  expect([...services.keys()]).toEqual(["acme-db"]);
  expect(gone).toEqual([["acme-old"], ["acme-web", "Old"]]);
});

test.each([
  "a\nhost_name=globex-web",
  "a;b",
  "a,globex-web",
  "*",
  "!a",
  "../../etc/x",
  "a\0",
  "$USER1$",
  "a b ",
  " a",
  "#a",
  "a{",
  "",
  "\u202ea",
  "x".repeat(251),
])("a host called %j is refused, and the rest counts", (name) => {
  const { hosts, refused } = read({ hosts: [host(name), host("web")] });
  expect([...hosts.keys()]).toEqual(["acme-web"]);
  expect(refused).toHaveLength(1);
  expect(refused[0]).not.toMatch(/[\n\0\u202e]/);
});

test.each(["a\nCOMMAND [1] X", "a;b", "", " a", "a ", "a\r", "x".repeat(256)])(
  "a service called %j is refused, and the rest counts",
  (description) => {
    const { services, refused } = read({ services: [service("web", description), service("web", "Load")] });
    expect([...(services.get("acme-web")?.keys() ?? [])]).toEqual(["Load"]);
    expect(refused).toHaveLength(1);
  },
);

test("a command that is smuggled in as a second line is refused, and the rest counts", () => {
  const smuggled = "ok\n\nCOMMAND [1795634631] SHUTDOWN_PROGRAM\n";
  const { hosts, services, refused } = read({
    hosts: [host("web", smuggled), host("db")],
    services: [["db", "Load", 0, "ok", "", smuggled], service("db", "Memory")],
  });
  expect([...hosts.keys(), ...(services.get("acme-db")?.keys() ?? [])]).toEqual(["acme-db", "Memory"]);
  expect(refused).toEqual([
    'what "acme-web" says is more than one line',
    'what "acme-db/Load" says is more than one line',
  ]);
});

test("what is refused is named three times, and counted beyond that", () => {
  const { refused } = read({ hosts: Array.from({ length: 9 }, (_, n) => host(`;${n}`)) });
  expect(refused).toHaveLength(4);
  expect(refused[3]).toBe("6 more");
});

test("controls and bars in texts are made harmless, and texts have a bound", () => {
  const { hosts } = read({ hosts: [["web", 3, "a\u001b|b\rc", "l1|\nl2\r", "v=1\t", "a", "b"]] });
  expect(hosts.get("acme-web")).toMatchObject({
    state: 2,
    output: "a ¦b c",
    longOutput: "l1¦\nl2 ",
    perfData: "v=1",
  });
  const long = read({ hosts: [host("web", "x".repeat(100_000))] });
  expect(long.hosts.get("acme-web")).toMatchObject({ output: "x".repeat(8192) });
});

test.each<[string, Buffer]>([
  ["no JSON", Buffer.from("host_name=x")],
  ["another thing", Buffer.from("[]")],
  ["a state that there is not", bytes({ hosts: [host("web", "", 7)] })],
  ["a record that is too short", bytes({ hosts: [["web"] as unknown as HostRecord] })],
  ["too many objects", bytes({ hosts: Array.from({ length: 20_001 }, (_, n) => host(`h${n}`)) })],
])("a dump that is %s is refused", (_, body) => {
  expect(() => readDump("dump", body, PREFIX)).toThrow(/^a dump/);
});

test("check results have one record each, and nothing in a text ends it", () => {
  const { hosts, services } = read({
    hosts: [["web", 1, "down \\n", "l1\nhost_name=globex", "rta=1;2;3", "", ""]],
    services: [service("web", "Load")],
  });
  expect(checkResultFile({ hosts, services }, 1_795_634_631_250)).toBe(
    [
      "file_time=1795634631",
      "",
      "host_name=acme-web",
      "check_type=1",
      "check_options=0",
      "reschedule_check",
      "latency=0.00",
      "start_time=1795634631.3",
      "finish_time=1795634631.3",
      "return_code=1",
      "output=down \\\\n|rta=1;2;3\\nl1\\nhost_name=globex",
      "",
      "host_name=acme-web",
      "service_description=Load",
      "check_type=1",
      "check_options=0",
      "reschedule_check",
      "latency=0.00",
      "start_time=1795634631.3",
      "finish_time=1795634631.3",
      "return_code=0",
      "output=ok|",
      "",
      "",
    ].join("\n"),
  );
});

test("to Livestatus go two commands only, one line each, whatever a text has in it", () => {
  const { hosts, services } = read({
    hosts: [["web", 1, "down; x", "l1\n\nCOMMAND [1] SHUTDOWN_PROGRAM\n\n", "rta=1;2;3", "", ""]],
    services: [service("web", "Load")],
  });
  expect(commandsFor(RESULTS, { hosts, services }, 1_795_634_631_250)).toBe(
    [
      "COMMAND [1795634631] PROCESS_HOST_CHECK_RESULT;acme-web;1;down; x|rta=1;2;3\\nl1\\n\\nCOMMAND [1] SHUTDOWN_PROGRAM\\n\\n",
      "",
      "COMMAND [1795634631] PROCESS_SERVICE_CHECK_RESULT;acme-web;Load;0;ok",
      "",
      "",
    ].join("\n"),
  );
});

test("what cmcdump says goes behind its commands as it is, by names that begin with the prefix, on one line", () => {
  const shadows = (hosts: unknown[], services: unknown[]) =>
    readDump("shadow", bytes({ hosts, services } as Partial<DumpBody>), PREFIX);
  const { hosts, services, refused } = shadows(
    [
      ["web", "0;up;x|y"],
      ["a;b", "0"],
      ["db", "0\n\nCOMMAND [1] SHUTDOWN_PROGRAM"],
      ["long", "x".repeat(40_000)],
    ],
    [
      ["web", "Load", "2;crit\ttab"],
      ["web", "a;b", "0"],
      ["globex-web", "Load", "1"],
    ],
  );
  expect(commandsFor(SHADOWS, { hosts, services }, 1_795_634_631_250)).toBe(
    [
      "COMMAND [1795634631] UPDATE_SHADOW_HOST_STATE;acme-web;0;up;x|y",
      "COMMAND [1795634631] UPDATE_SHADOW_SERVICE_STATE;acme-web;Load;2;crit tab",
      "COMMAND [1795634631] UPDATE_SHADOW_SERVICE_STATE;acme-globex-web;Load;1",
      "",
    ].join("\n\n"),
  );
  expect(refused).toHaveLength(4);
  // neither is said in the words of the other
  expect(commandsFor(RESULTS, { hosts, services }, 0)).toBe("");
  expect(commandsFor(SHADOWS, read({ hosts: [host("web")] }), 0)).toBe("");
});

test("a roster tells what is not there any more: what is said to be gone, and what a new beginning leaves out", () => {
  const roster = new Roster(PREFIX);
  const begin = {
    reset: true,
    hosts: [host("a"), host("b")],
    services: [service("a", "x"), service("a", "y")],
  };
  expect(roster.take(read(begin))).toEqual([]);
  expect(
    roster.take(
      read({
        gone: [
          ["a", "y"],
          ["a", "unknown"],
        ],
      }),
    ),
  ).toEqual([["acme-a", "y"]]);
  expect(roster.take(read({ reset: true, complete: false, hosts: [host("b")] }))).toEqual([]);
  const kept = Roster.from(roster.toBytes());
  expect(kept.take(read({ hosts: [host("c")] }))).toEqual([["acme-a"], ["acme-a", "x"]]);
  expect([...kept.hosts.keys()]).toEqual(["acme-b", "acme-c"]);
});

test("a roster takes no more than its bound, however it is filled", () => {
  const roster = new Roster(PREFIX);
  const fill = () => {
    for (let dump = 0; ; dump++) {
      const hosts = Array.from({ length: 20_000 }, (_, n) => host(`h${dump}-${n}`));
      roster.take({ ...read({ hosts }), reset: true, complete: false });
    }
  };
  expect(fill).toThrow(`more than ${MOST_OBJECTS} objects`);
  expect(roster.size).toBe(MOST_OBJECTS);
});
