import { describe, expect, test } from "vitest";
import { exitStatus } from "../../../agent/doctor/exit.ts";
import { eased, type Finding, ok, problem, warning } from "../../../agent/doctor/finding.ts";
import { OWNERS, ownerOf } from "../../../agent/doctor/owner.ts";
import { linesOf, textToForward } from "../../../agent/doctor/report.ts";
import { hopOf } from "../../../agent/tunnel/index.ts";
import { ERROR_CODES, type ErrorCode, FarsiteError } from "../../../common/errors.ts";

const failed = (step: Finding["step"], code: ErrorCode, hint?: string) =>
  problem(step, new FarsiteError(code, "it does not work", hint));

describe("the exit status", () => {
  test.each<[string, Finding[], number]>([
    ["0 when all is well", [ok("name", "fine")], 0],
    [
      "0 with warnings",
      [warning("agent", "not running"), eased(failed("websocket", "E_UPGRADE_STRIPPED"))],
      0,
    ],
    ["10 for a name", [failed("name", "E_DNS")], 10],
    ["11 for a proxy", [failed("proxy", "E_PROXY_DENIED")], 11],
    ["12 for a connection", [failed("connection", "E_CONNECT_TIMEOUT")], 12],
    ["13 for TLS", [failed("tls", "E_TLS_UNTRUSTED")], 13],
    ["14 for HTTP", [failed("websocket", "E_UPGRADE_STRIPPED")], 14],
    ["15 for the handshake", [failed("handshake", "E_HUB_KEY")], 15],
    ["16 when the hub refuses", [failed("handshake", "E_KEY_REVOKED")], 16],
    ["17 for the line", [failed("large-messages", "E_PATH_MTU")], 17],
    ["20 for a file", [failed("configuration", "E_CONFIG")], 20],
    ["22 for the clock", [failed("clock", "E_CLOCK")], 22],
    ["23 for a service", [failed("service", "E_TARGET_UNREACHABLE")], 23],
    ["24 for a listener", [failed("listener", "E_LISTEN")], 24],
    ["1 for a fault", [failed("throughput", "E_PROTOCOL")], 1],
    [
      "that of the way before that of this host",
      [failed("state", "E_STATE"), failed("tls", "E_TLS_FAILED")],
      13,
    ],
    [
      "that of what was found, not of what the agent says",
      [failed("agent", "E_DNS"), failed("service", "E_LISTEN")],
      21,
    ],
  ])("%s", (_, findings, status) => {
    expect(exitStatus(findings)).toBe(status);
  });
});

test("every error on the way has an owner who is not this host's administrator by default", () => {
  const codes = Object.keys(ERROR_CODES) as ErrorCode[];
  for (const code of codes) expect(OWNERS).toHaveProperty(ownerOf(code));
  expect(codes.filter((code) => hopOf(code) && ownerOf(code) === "host")).toEqual([
    "E_PROXY_DNS",
    "E_PROXY_TLS",
    "E_PROXY_PROTOCOL",
    "E_PROXY_AUTH_WANTED",
    "E_PROXY_AUTH_WRONG",
  ]);
});

test("a problem is said with its code, what to do, and whose job it is", () => {
  expect(linesOf(failed("proxy", "E_PROXY_DENIED", "Ask them\nto allow it."))).toEqual([
    "PROBLEM  proxy           it does not work [E_PROXY_DENIED]",
    "                         Ask them",
    "                         to allow it.",
    "                         Whose job: the proxy's administrators.",
  ]);
  expect(linesOf(ok("name", "hub is 192.0.2.7"))).toEqual(["ok       name            hub is 192.0.2.7"]);
});

describe("the text to forward", () => {
  const about = {
    host: "monitor",
    time: "2026-01-02T03:04:05Z",
    hub: "hub.example port 443",
    route: "direct",
  };

  test("says what is wanted, what works, and what does not", () => {
    const text = textToForward(
      [ok("name", "x"), ok("connection", "y"), failed("tls", "E_TLS_FAILED", "Exempt it.")],
      about,
    ).join("\n");
    expect(text).toMatch(/^To the administrators of this network's firewalls:/);
    expect(text).toContain("The host monitor must reach hub.example port 443");
    expect(text).toMatch(
      /name is resolved.*TCP connection is made.*Then: it does not work.*Wanted: Exempt it\./s,
    );
    expect(text).toContain("Error code: E_TLS_FAILED");
  });

  test("there is none for what is not the network's", () => {
    expect(
      textToForward([failed("handshake", "E_KEY_REVOKED"), failed("service", "E_LISTEN")], about),
    ).toEqual([]);
    expect(textToForward([eased(failed("websocket", "E_UPGRADE_STRIPPED"))], about)).toEqual([]);
  });
});
