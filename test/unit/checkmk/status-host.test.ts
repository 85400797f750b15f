import { describe, expect, test } from "vitest";
import { parseCoreAddress } from "../../../hub/checkmk/deliver.ts";
import { exitCode, hostResult, hostState, type SiteStatus } from "../../../hub/checkmk/status-host.ts";

const ONLINE: SiteStatus = { tenant: "acme", site: "main", state: "online", reason: "", rtt: 0.0123 };

test.each([
  ["online", "UP", 0, 0],
  ["waiting", "UP", 0, 0],
  ["unknown", "UP", 0, 0],
  ["dead", "DOWN", 1, 2],
  ["down", "DOWN", 1, 2],
  ["disabled", "DOWN", 1, 2],
  ["unreach", "UNREACHABLE", 2, 2],
] as const)("a site that is %s is %s to a core", (state, word, code, exit) => {
  const host = hostState({ ...ONLINE, state });
  expect(host.word).toBe(word);
  expect(hostResult("acme-main", host, 1_790_000_000)).toMatch(
    new RegExp(`^\\[1790000000\\] PROCESS_HOST_CHECK_RESULT;acme-main;${code};acme/main is ${state}`),
  );
  expect(exitCode(host)).toBe(exit);
});

test("the output has the way's time as performance data", () => {
  expect(hostState(ONLINE).output).toBe("acme/main is online|rtt=0.0123s;;;0");
  expect(hostState({ ...ONLINE, rtt: 0 }).output).toBe("acme/main is online");
});

test.each([
  ["dead", "the site is dead (stopped): [Errno 111]", "acme/main is dead (stopped): [Errno 111]"],
  ["unknown", "no agent is enrolled", "acme/main is unknown (no agent is enrolled)"],
  ["unreach", "", "acme/main is unreach"],
] as const)("the output of one that is %s says why: %j", (state, reason, output) => {
  expect(hostState({ ...ONLINE, state, reason, rtt: 0 }).output).toBe(output);
});

test("what a site says begins neither a line nor performance data", () => {
  const reason = `dead\n[1] SHUTDOWN_PROGRAM\r|x=1;\u2028${"y".repeat(4000)}`;
  const { output } = hostState({ ...ONLINE, state: "dead", reason, rtt: 0 });
  expect(output).toMatch(/^acme\/main is dead \(dead\?\[1\] SHUTDOWN_PROGRAM\?\/x=1;\?y+\)$/);
  // PIPE_BUF: a longer line could be torn by another writer
  expect(
    Buffer.byteLength(hostResult("h".repeat(250), { word: "DOWN", output }, 1_790_000_000)),
  ).toBeLessThan(4096);
});

describe("where a core is", () => {
  test.each([
    ["unix:/omd/sites/central/tmp/run/live", { path: "/omd/sites/central/tmp/run/live" }],
    ["tcp:127.0.0.1:6557", { host: "127.0.0.1", port: 6557 }],
    ["tcp:[::1]:6557", { host: "::1", port: 6557 }],
    ["pipe:/run/nagios.cmd", { pipe: "/run/nagios.cmd" }],
  ])("%s", (text, address) => {
    expect(parseCoreAddress(text)).toEqual(address);
  });

  test.each([
    "",
    "unix:",
    "unix:live",
    "tcp:6557",
    "tcp::6557",
    "tcp:host:",
    "tcp:host:0",
    "/run/live",
    "pipe:x",
  ])("%j is nowhere", (text) => {
    expect(() => parseCoreAddress(text)).toThrow("not a core");
  });
});
