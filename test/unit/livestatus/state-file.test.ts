import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { FakeClock } from "../../../common/clock.ts";
import { MemoryLog } from "../../../common/log.ts";
import { type SiteRecord, StateFile } from "../../../hub/livestatus/index.ts";
import { renderStates } from "../../../hub/livestatus/state-file.ts";
import type { Site } from "../../../hub/registry/index.ts";
import type { SiteState } from "../../../hub/tunnel/index.ts";
import { scratch } from "../registry/rig.ts";

// times are shown in the host's own zone
const EPOCH = new Date(2026, 0, 31, 13, 45, 0).getTime();
const SECOND = 1_000;
const DAY = 86_400 * SECOND;

const SITE: Site = {
  id: 1,
  tenant: "acme",
  name: "berlin",
  address: "127.64.0.1",
  enabled: true,
  services: ["livestatus"],
  lastSeen: undefined,
  key: "00",
  host: "h",
};
const TUNNEL: SiteState = { state: "disconnected", since: 0, streams: 0, offers: [] };
const ONLINE: SiteRecord = {
  site: SITE,
  current: {
    state: "online",
    since: EPOCH - 12 * SECOND,
    core: {
      started: EPOCH / 1000 - 90_061,
      pid: 4711,
      program: "Check_MK 2.3.0",
      livestatus: "2.3.0",
      hosts: 3,
      services: 6,
    },
  },
  failure: undefined,
};

function render(
  records: SiteRecord[],
  tunnel: Partial<SiteState> = {},
  details?: [string, string][],
): string {
  return renderStates({
    clock: new FakeClock(EPOCH),
    records: () => records,
    tunnel: () => ({ ...TUNNEL, ...tunnel }),
    ...(details && { details: () => details }),
  });
}

test("a site is shown with the labels that Checkmk's administrators know, in their column", () => {
  const tunnel: Partial<SiteState> = {
    state: "connected",
    since: EPOCH - 3_661 * SECOND,
    peer: "203.0.113.7",
    rtt: 12.34,
    streams: 2,
    agent: { host: "mon\n[evil/site]", version: "0.1.0", clockSkew: 0 },
  };
  expect(render([ONLINE], tunnel, [["Cached responses", "5"]])).toBe(`Current state:
[acme/berlin]
  State:                   online
  State since:             2026-01-31 13:44:48 (0:00:12)
  Reason:                  None
  State dump time:         2026-01-31 13:45:00 (0:00:00)
  Last reset:              2026-01-31 12:43:59 (1:01:01)
  Site's last reload:      2026-01-30 12:43:59 (1 day, 1:01:01)
  Last failed connect:     Never
  Last failed error:       None
  Core:                    Check_MK 2.3.0, PID 4711
  Livestatus:              2.3.0
  Hosts:                   3
  Services:                6
  Agent:                   mon?[evil/site], 0.1.0
  Agent connected from:    203.0.113.7
  Round-trip time:         12.3 ms
  Streams:                 2
  Cached responses:        5
`);
});

test("a site that does not answer is shown with why and since when", () => {
  const failure = { at: EPOCH - 2 * DAY - SECOND, reason: "dead (stopped): [Errno 111] Connection refused" };
  const text = render([
    {
      site: SITE,
      current: {
        state: "dead",
        cause: "stopped",
        reason: "[Errno 111] Connection refused",
        since: EPOCH - 2 * DAY - SECOND,
      },
      failure,
    },
  ]);
  expect(text).toContain("  State:                   dead\n");
  expect(text).toContain("  Reason:                  [Errno 111] Connection refused\n");
  expect(text).toContain("  Last failed connect:     2026-01-29 13:44:59 (2 days, 0:00:01)\n");
  expect(text).toContain(`  Last failed error:       ${failure.reason}\n`);
  expect(text).toContain("  Last reset:              Never\n");
});

test("sites stand apart, and none is a file, too", () => {
  const other = { ...ONLINE, site: { ...SITE, id: 2, name: "paris" } };
  expect(render([ONLINE, other])).toMatch(/\n {2}Streams: +0\n\n\[acme\/paris\]\n {2}State: /);
  expect(render([])).toBe("Current state:\n");
});

test("a time that is none breaks nothing", () => {
  const current = { ...ONLINE.current, core: { started: 1e15, program: "", livestatus: "" } };
  const text = render([{ ...ONLINE, current } as SiteRecord]);
  expect(text).toContain("  Site's last reload:      Never\n");
  expect(text).toContain("  Core:                    unknown, PID unknown\n");
});

interface FileRig {
  clock: FakeClock;
  log: MemoryLog;
  path: string;
  folder: string;
  file: StateFile;
  records: SiteRecord[];
}

function fileRig(): FileRig {
  const [clock, log, records] = [new FakeClock(EPOCH), new MemoryLog(), [ONLINE]];
  const folder = scratch();
  const path = join(folder, "livestatus.state");
  const file = new StateFile({ path, clock, log, records: () => records, tunnel: () => TUNNEL });
  return { clock, log, path, folder, file, records };
}

/** Waits for the disk, never for time. */
async function when(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 100_000; turn++) {
    if (condition()) return;
    await new Promise((done) => setImmediate(done));
  }
  throw new Error("what was awaited did not happen");
}

test("the file is written at once and every 5 s, for the hub's group to read, and gone after the end", async () => {
  const { clock, path, folder, file, records } = fileRig();
  file.start();
  await when(() => existsSync(path) && clock.pending === 1);
  expect(statSync(path).mode & 0o777).toBe(0o640);
  const first = readFileSync(path, "utf8");
  records.length = 0;
  clock.advance(4_999);
  expect(clock.pending).toBe(1);
  expect(readFileSync(path, "utf8")).toBe(first);
  clock.advance(1);
  await when(() => clock.pending === 1);
  expect(readFileSync(path, "utf8")).toBe("Current state:\n");
  expect(readdirSync(folder)).toEqual(["livestatus.state"]);
  await file.stop();
  expect([readdirSync(folder), clock.pending]).toEqual([[], 0]);
});

test("it stops in the middle of writing and leaves nothing behind", async () => {
  const { clock, folder, file } = fileRig();
  file.start();
  await file.stop();
  expect([readdirSync(folder), clock.pending]).toEqual([[], 0]);
});

test("what a hub that was killed left behind is not kept, nor its rights", async () => {
  const { clock, path, folder, file } = fileRig();
  for (const name of [path, join(folder, ".livestatus.state.new")]) {
    writeFileSync(name, "old");
    chmodSync(name, 0o666);
  }
  file.start();
  await when(() => clock.pending === 1);
  expect([readdirSync(folder), statSync(path).mode & 0o777]).toEqual([["livestatus.state"], 0o640]);
  expect(readFileSync(path, "utf8")).toContain("acme/berlin");
  await file.stop();
});

test("a disk that does not take it is complained of once, and tried again", async () => {
  const { clock, log, path, file } = fileRig();
  // a directory in its place cannot be replaced by a file
  mkdirSync(join(path, "x"), { recursive: true });
  file.start();
  for (let i = 0; i < 3; i++) {
    await when(() => clock.pending === 1);
    clock.advance(5_000);
  }
  await when(() => clock.pending === 1);
  expect(log.lines.map((line) => line.message)).toEqual(["the state file cannot be written"]);
  // nor does it keep the hub from stopping
  await file.stop();
});
