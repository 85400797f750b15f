import { describe, expect, test } from "vitest";
import { DatagramReader, datagramHeader, MAX_DATAGRAM } from "../../common/datagram.ts";
import { forSeeds } from "./mux/rig.ts";

function reader() {
  const taken: Buffer[] = [];
  return { taken, reader: new DatagramReader((datagram) => void taken.push(datagram)) };
}

const framed = (...datagrams: Uint8Array[]) =>
  Buffer.concat(datagrams.flatMap((each) => [datagramHeader(each.length), each]));

describe("datagrams on a stream", () => {
  test("have the layout of the protocol", () => {
    expect(framed(Buffer.from("abc"), Buffer.alloc(0)).toString("hex")).toBe("00036162630000");
    expect(datagramHeader(MAX_DATAGRAM).toString("hex")).toBe("ffe3");
  });

  test("come out as they went in, however the stream is cut", async () => {
    await forSeeds(1, 200, async (dice) => {
      const datagrams = Array.from({ length: dice.upTo(8) }, () =>
        Buffer.alloc(dice.upTo(5) === 0 ? dice.upTo(MAX_DATAGRAM + 1) : dice.upTo(40), dice.upTo(256)),
      );
      const bytes = framed(...datagrams);
      const { taken, reader: its } = reader();
      for (let at = 0; at < bytes.length; ) {
        const length = 1 + dice.upTo(dice.upTo(2) === 0 ? 4 : bytes.length);
        its.push(bytes.subarray(at, at + length));
        at += length;
      }
      expect(taken.map((each) => each.toString("hex"))).toEqual(
        datagrams.map((each) => each.toString("hex")),
      );
    });
  });

  test("longer than UDP carries end it", () => {
    const { reader: its, taken } = reader();
    its.push(framed(Buffer.alloc(MAX_DATAGRAM)));
    expect(() => its.push(datagramHeader(MAX_DATAGRAM + 1))).toThrow(
      expect.objectContaining({ code: "E_PROTOCOL" }),
    );
    expect(taken).toHaveLength(1);
  });

  test("that are not complete keep no more than their own length", () => {
    const { reader: its, taken } = reader();
    const record = Buffer.alloc(60_000, "x");
    its.push(datagramHeader(3));
    // were it not copied, one byte would hold the whole record
    its.push(record.subarray(0, 1));
    record.fill("y");
    its.push(Buffer.from("bc"));
    expect(taken.map(String)).toEqual(["xbc"]);
    expect(taken[0]?.buffer.byteLength).toBe(3);
  });
});
