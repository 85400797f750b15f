import { expect, test } from "vitest";
import { FakeClock } from "../../../common/clock.ts";
import { FarsiteError } from "../../../common/errors.ts";
import { Strangers } from "../../../hub/tunnel/index.ts";

function rig() {
  const clock = new FakeClock();
  const records: string[] = [];
  const strangers = new Strangers({
    clock,
    recorder: {
      record: (actor, action, target, detail) =>
        void records.push([typeof actor === "string" ? actor : actor.from, action, target, detail].join("|")),
    },
  });
  return { clock, records, strangers };
}

const REVOKED = new FarsiteError("E_KEY_REVOKED", "this agent's key was revoked");

test("who is turned away is in the audit once an hour, with the reason", () => {
  const { clock, records, strangers } = rig();
  for (let minute = 0; minute < 90; minute++) {
    strangers.refused("192.0.2.1", REVOKED);
    clock.advance(60_000);
  }
  const record = "192.0.2.1|agent.refuse||E_KEY_REVOKED: this agent's key was revoked";
  expect(records).toEqual([record, record]);
});

test("a fault of the line is not", () => {
  const { records, strangers } = rig();
  strangers.refused("192.0.2.1", new FarsiteError("E_HANDSHAKE_TIMEOUT", "too slow"));
  expect(records).toEqual([]);
});

test("who comes from a thousand addresses at once does not fill the audit", () => {
  const { clock, records, strangers } = rig();
  for (let at = 0; at < 1_000; at++) strangers.refused(`192.0.${at >> 8}.${at & 255}`, REVOKED);
  expect(records).toHaveLength(1);
  clock.advance(1_000);
  strangers.refused("198.51.100.1", REVOKED);
  clock.advance(3_600_000);
  strangers.refused("198.51.100.1", REVOKED);
  expect(records.at(-1)).toContain("999 more before");
});
