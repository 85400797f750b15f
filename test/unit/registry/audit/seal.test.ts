import { createHmac } from "node:crypto";
import { expect, test } from "vitest";
import { decodeLink, encodeLink, NO_SEAL, SEAL_BYTES, Sealer } from "../../../../hub/registry/audit/seal.ts";

const key = Buffer.alloc(SEAL_BYTES, 1);
const row = {
  at: 1_767_225_600_000,
  who: "admin zo\u00eb",
  origin: "admin socket",
  action: "site.add",
  tenant: "acme",
  site: "main",
  detail: "127.64.0.1",
};

test("a seal is what the description says, reckoned here by hand", () => {
  const text = (hex: string, value: string) => `${hex}${Buffer.from(value).toString("hex")}`;
  const encoded = [
    Buffer.from("farsite audit 1\0").toString("hex"),
    "00".repeat(32),
    "0000000000000001",
    "0000019b76daa800",
    text("0000000a", "admin zo\u00eb"),
    text("0000000c", "admin socket"),
    text("00000008", "site.add"),
    text("00000004", "acme"),
    text("00000004", "main"),
    text("0000000a", "127.64.0.1"),
  ].join("");
  const expected = createHmac("sha256", key).update(Buffer.from(encoded, "hex")).digest("hex");
  expect(new Sealer(key).record(NO_SEAL, 1, row)).toBe(expected);
});

test("any other field, number, seal before or key gives another seal", () => {
  const sealer = new Sealer(key);
  const seals = [
    sealer.record(NO_SEAL, 1, row),
    sealer.record(NO_SEAL, 2, row),
    sealer.record("1".repeat(64), 1, row),
    new Sealer(Buffer.alloc(SEAL_BYTES, 2)).record(NO_SEAL, 1, row),
    sealer.record(NO_SEAL, 1, { ...row, at: row.at + 1 }),
    // what moves from one field to the next is not the same either
    sealer.record(NO_SEAL, 1, { ...row, tenant: "acmem", site: "ain" }),
    ...(["who", "origin", "action", "tenant", "site", "detail"] as const).map((field) =>
      sealer.record(NO_SEAL, 1, { ...row, [field]: `${row[field]}x` }),
    ),
  ];
  expect(new Set(seals).size).toBe(seals.length);
});

test("a place in the chain is written and read as text, and nothing else is taken for one", () => {
  const link = { number: 5321, seal: "ab".repeat(32) };
  expect(decodeLink(encodeLink(link))).toEqual(link);
  expect(decodeLink(`${encodeLink(link)}\n`)).toEqual(link);
  for (const wrong of ["", "5321", `:${link.seal}`, `-1:${link.seal}`, "1:ab", `1:${"g".repeat(64)}`])
    expect(decodeLink(wrong)).toBeUndefined();
});
