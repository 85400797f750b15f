import { expect, test } from "vitest";
import { FakeClock } from "../../common/clock.ts";
import { Complaints } from "../../common/complaints.ts";
import { MemoryLog } from "../../common/log.ts";

const MINUTE = 60_000;

test("the same is said once a minute, and what differs in anything by itself", () => {
  const clock = new FakeClock();
  const log = new MemoryLog();
  const complaints = new Complaints({ message: "line failed", clock, log });
  const say = (line: string, reason: string) => complaints.say({ line, reason });
  say("syslog", "gone");
  clock.advance(MINUTE - 1);
  say("syslog", "gone");
  say("syslog", "full");
  say("receiver", "gone");
  clock.advance(1);
  say("syslog", "gone");
  expect(log.lines.map(({ fields }) => `${fields.line} ${fields.reason}`)).toEqual([
    "syslog gone",
    "syslog full",
    "receiver gone",
    "syslog gone",
  ]);
  expect(log.lines[0]).toMatchObject({ level: "warning", message: "line failed" });
});
