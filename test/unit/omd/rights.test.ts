import { chmodSync, chownSync, mkdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { accountFor, accountOf } from "../../../agent/omd/account.ts";
import { parseTcp, reachable } from "../../../agent/omd/listeners.ts";
import { judge, rightsTo, type Step } from "../../../agent/omd/rights.ts";
import { account, scratch } from "./rig.ts";

const ENTER = 1;
const WRITE = 2;
const step = (path: string, mode: number, gid = 0, uid = 0): Step => ({
  path,
  bit: path.endsWith("live") ? WRITE : ENTER,
  stat: { mode, uid, gid },
});
const agent = { uid: 987, groups: new Set([987]) };
const way = (...last: Step[]) => [step("/", 0o755), step("/omd", 0o755), ...last];

describe("on the way to a socket", () => {
  test.each<[string, Step[], ReturnType<typeof judge>]>([
    ["all is open", way(step("/omd/live", 0o666)), { groups: [] }],
    ["the socket is its group's", way(step("/omd/live", 0o660, 1001)), { groups: [1001] }],
    [
      "a folder is one group's and the socket another's",
      way(step("/omd/run", 0o750, 33), step("/omd/run/live", 0o660, 120)),
      { groups: [33, 120] },
    ],
    ["reading is no use", way(step("/omd/live", 0o664, 1001)), { groups: [1001] }],
    ["not even the group may write", way(step("/omd/live", 0o644, 1001)), { at: "/omd/live" }],
    [
      "a folder is its owner's alone",
      way(step("/omd/run", 0o700, 33), step("/omd/run/live", 0o666)),
      { at: "/omd/run" },
    ],
    ["the group is root's", way(step("/omd/live", 0o660, 0, 5)), { at: "/omd/live" }],
    ["the user is a member", way(step("/omd/live", 0o660, 987)), { groups: [] }],
    ["the user is a member, but only others may", way(step("/omd/live", 0o606, 987)), { at: "/omd/live" }],
    ["the user is the owner", way(step("/omd/live", 0o600, 0, 987)), { groups: [] }],
  ])("%s", (_, steps, expected) => {
    expect(judge(steps, agent)).toEqual(expected);
  });
});

describe("the agent's user", () => {
  /** A socket's stand-in, at the end of a folder that has a group of its own. */
  function socket(mode: number): string {
    const root = scratch();
    mkdirSync(join(root, "run"));
    const path = join(root, "run", "live");
    writeFileSync(path, "");
    chmodSync(path, mode);
    // advice never is to join root's group
    if (statSync(path).gid === 0) chownSync(path, 0, 55_001);
    return path;
  }
  const other = (changes = {}) =>
    account({ uid: 4_000_000, groups: new Set(), mayOpen: () => false, ...changes });

  test("has the rights when the kernel says so, whatever owner and mode say", () => {
    expect(rightsTo(socket(0o600), other({ mayOpen: () => true }))).toEqual({ state: "open" });
  });

  test("is told the groups that it lacks", () => {
    const path = socket(0o660);
    const { gid } = statSync(path);
    expect(rightsTo(path, other())).toEqual({ state: "closed", groups: [`group${gid}`] });
    expect(rightsTo(path, other({ groups: new Set([gid]) }))).toEqual({ state: "shut", at: path });
  });

  test("is told where no group helps", () => {
    const path = socket(0o600);
    expect(rightsTo(path, other())).toEqual({ state: "shut", at: path });
  });

  test("that does not exist yet is told the groups that it will need", () => {
    const path = socket(0o660);
    const missing = other({ uid: undefined, exists: false, mayOpen: () => undefined });
    expect(rightsTo(path, missing)).toEqual({ state: "closed", groups: [`group${statSync(path).gid}`] });
  });

  test("is told the usual group where there is no socket to look at", () => {
    const root = scratch();
    const path = join(root, "run", "live");
    const ids = { groupId: () => 55_555 };
    expect(rightsTo(path, other(ids), "main")).toEqual({ state: "closed", groups: ["group55555"] });
    expect(rightsTo(path, other({ ...ids, groups: new Set([55_555]) }), "main")).toEqual({
      state: "unknown",
    });
    expect(rightsTo(path, other({ groupId: () => undefined }), "main")).toEqual({ state: "unknown" });
  });

  test("is followed over links to where the socket is", () => {
    const root = scratch();
    const path = socket(0o660);
    symlinkSync(path, join(root, "link"));
    expect(rightsTo(join(root, "link"), other())).toMatchObject({ state: "closed" });
  });
});

describe("the kernel's list of TCP sockets", () => {
  const HEAD =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";
  const TAIL = "00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0\n";

  test("gives who listens, of both families", () => {
    const four = `   0: 0100007F:199C 00000000:0000 0A ${TAIL}   1: 00000000:1388 00000000:0000 0A ${TAIL}`;
    const six =
      `   0: 00000000000000000000000001000000:199C 00000000000000000000000000000000:0000 0A ${TAIL}` +
      `   1: 0000000000000000FFFF00000700000A:199D 00000000000000000000000000000000:0000 0A ${TAIL}` +
      `   2: B80D01200000000000000000EFBE0000:199E 00000000000000000000000000000000:0000 0A ${TAIL}`;
    expect(parseTcp(HEAD + four)).toEqual([
      { address: "127.0.0.1", port: 6556 },
      { address: "0.0.0.0", port: 5000 },
    ]);
    expect(parseTcp(HEAD + six)).toEqual([
      { address: "::1", port: 6556 },
      { address: "10.0.0.7", port: 6557 },
      { address: "2001:db8::beef", port: 6558 },
    ]);
  });

  test("is not taken for listening where a connection is open", () => {
    expect(parseTcp(`${HEAD}   0: 0100007F:199C 0100007F:8000 01 ${TAIL}`)).toEqual([]);
    expect(parseTcp("no table at all\n")).toEqual([]);
  });

  test("gives the address by which the host reaches itself", () => {
    expect(reachable(["::1"])).toBe("[::1]");
    expect(reachable(["::", "10.0.0.7"])).toBe("127.0.0.1");
    expect(reachable(["10.0.0.9", "10.0.0.7", "127.64.0.3"])).toBe("10.0.0.7");
    expect(reachable(["127.64.0.3"])).toBeUndefined();
    expect(reachable([])).toBeUndefined();
  });
});

test("without an installation the agent's user is the one whom its state directory belongs to", () => {
  const missing = accountOf("no-such-user");
  const me = process.getuid?.();
  expect(accountFor(scratch(), missing)).toMatchObject({ exists: true, uid: me });
  expect(accountFor("/nowhere/at/all", missing)).toBe(missing);
  expect(accountFor(undefined, missing)).toBe(missing);
  const root = accountOf("root");
  expect(accountFor(scratch(), root)).toBe(root);
});
