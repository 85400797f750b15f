import { expect, test } from "vitest";
import { FarsiteError } from "../../../common/errors.ts";
import { FIN, INTERACTIVE, PACKED } from "../../../common/mux/frame.ts";
import { MAX_RECORD } from "../../../common/session/record.ts";
import {
  control,
  credit,
  type Dice,
  data,
  fin,
  forSeeds,
  HEADER,
  Lone,
  open,
  raw,
  reset,
  type Tap,
} from "./rig.ts";

/** A hub with streams in several states, whose streams answer what comes. */
function hubInUse(): Lone {
  const answer = (tap: Tap) => {
    tap.on = {
      data: (chunk) => void tap.stream.write(chunk),
      end: () => tap.stream.end(),
    };
  };
  const hub = new Lone({ accept: answer, maxStreams: 20 });
  for (let i = 0; i < 3; i++) answer(hub.open("livestatus", INTERACTIVE, true, i === 0));
  hub.feed(open(1, "livestatus", INTERACTIVE, PACKED), open(3), fin(3), open(5), reset(5, 1));
  hub.flush();
  return hub;
}

/** Numbers that are often right and often just wrong. */
const IDS = [1, 1, 1, 2, 2, 2, 3, 4, 4, 5, 6, 6, 7, 7, 9, 11, 0, 8, 0xffff_fffe, 0xffff_ffff];

/** Flags that are often right; 4 never is. */
const FLAGS = [0, 0, FIN, PACKED, 4];

function someFrame(dice: Dice): Buffer {
  const id = IDS[dice.upTo(IDS.length)]!;
  switch (dice.upTo(9)) {
    case 0:
      return open(id, ["livestatus", "x", "", "No"][dice.upTo(4)], dice.upTo(4), FLAGS[dice.upTo(5)]);
    case 1:
      return data(id, dice.bytes(dice.upTo(50)), FLAGS[dice.upTo(5)]);
    case 2:
      return fin(id);
    case 3:
      return credit(id, [0, 1, 65_536, 0x7fff_ffff, 0xffff_ffff][dice.upTo(5)]!);
    case 4:
      return reset(id, dice.upTo(9));
    case 5:
      return control(dice.bytes(dice.upTo(20)));
    case 6:
      return data(id, Buffer.alloc(dice.upTo(65_000)));
    case 7:
      return data([1, 2, id][dice.upTo(3)]!, Bun.zstdCompressSync(dice.bytes(dice.upTo(200))), PACKED);
    default:
      return raw(dice.upTo(8), dice.upTo(3), id, dice.bytes(dice.upTo(40)), dice.upTo(60));
  }
}

/** Gives a record to a mux. True when it was taken, false when it broke the protocol; all else fails the test. */
function taken(hub: Lone, record: Buffer): boolean {
  try {
    hub.mux.frames(record);
    return true;
  } catch (error) {
    if (error instanceof FarsiteError && error.code === "E_PROTOCOL") return false;
    throw error;
  }
}

/** What must hold however the record was: the mux still sends records that are whole and fit a carrier. */
function stillSound(hub: Lone): void {
  for (let records = 0, record = hub.mux.pull(2, MAX_RECORD); record; record = hub.mux.pull(2, MAX_RECORD)) {
    expect(record.length).toBeLessThanOrEqual(MAX_RECORD);
    expect(++records).toBeLessThan(100);
  }
  expect(hub.mux.streams).toBeLessThanOrEqual(20);
}

test("random bytes are refused with E_PROTOCOL or taken, never anything else", async () => {
  let refused = 0;
  await forSeeds(1, 3_000, async (dice) => {
    const hub = hubInUse();
    const record = Buffer.concat([HEADER, dice.bytes(dice.upTo(100))]);
    if (!taken(hub, record)) refused++;
    stillSound(hub);
  });
  expect(refused).toBeGreaterThan(2_000);
});

test("records of frames that are nearly right are refused with E_PROTOCOL or taken, never anything else", async () => {
  const outcomes = { taken: 0, refused: 0 };
  await forSeeds(1, 3_000, async (dice) => {
    const hub = hubInUse();
    // a record that was refused ends the session; until then many come
    for (let records = 0; records < 20; records++) {
      const frames = Array.from({ length: 1 + dice.upTo(3) }, () => someFrame(dice));
      const ok = taken(hub, Buffer.concat([HEADER, ...frames]).subarray(0, MAX_RECORD));
      outcomes[ok ? "taken" : "refused"]++;
      stillSound(hub);
      if (!ok) break;
    }
  });
  expect(outcomes.taken).toBeGreaterThan(1_000);
  expect(outcomes.refused).toBeGreaterThan(2_000);
});

test("valid records with a few bytes changed are refused with E_PROTOCOL or taken, never anything else", async () => {
  const outcomes = { taken: 0, refused: 0 };
  await forSeeds(1, 3_000, async (dice) => {
    const hub = hubInUse();
    const record = Buffer.concat([
      HEADER,
      open(7),
      data(7, dice.bytes(20)),
      data(1, Bun.zstdCompressSync(dice.bytes(30)), PACKED),
      credit(2, 65_536),
      control(dice.bytes(10)),
      reset(4, 1),
      fin(7, dice.bytes(5)),
    ]);
    for (let n = 1 + dice.upTo(3); n > 0; n--) record[1 + dice.upTo(record.length - 1)] = dice.upTo(256);
    const cut = dice.upTo(4) === 0 ? dice.upTo(record.length) : record.length;
    outcomes[taken(hub, record.subarray(0, cut)) ? "taken" : "refused"]++;
    stillSound(hub);
  });
  expect(outcomes.taken).toBeGreaterThan(500);
  expect(outcomes.refused).toBeGreaterThan(500);
});
