/** The published test vectors of Noise, of every pattern that is in the file: the patterns are only data. */
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { IK, type Pattern } from "../../../common/noise/index.ts";
import { replay, type Vector } from "./vector.ts";

const FILE = new URL("../../../../shared/vectors/noise-25519-aesgcm-sha256.json", import.meta.url);
const present = existsSync(FILE);
if (!present)
  console.warn("NOISE TEST VECTORS ARE ABSENT: the published vectors are NOT checked in this run");

// patterns that the vectors need and the project does not (Noise rev 34, section 7.5)
const BASES: Pattern[] = [
  IK,
  { name: "NN", known: [], messages: [["e"], ["e", "ee"]] },
  {
    name: "NK",
    known: ["responder"],
    messages: [
      ["e", "es"],
      ["e", "ee"],
    ],
  },
  { name: "XX", known: [], messages: [["e"], ["e", "ee", "s", "es"], ["s", "se"]] },
  {
    name: "KK",
    known: ["initiator", "responder"],
    messages: [
      ["e", "es", "ss"],
      ["e", "ee", "se"],
    ],
  },
];

/** `IKpsk0+psk2` from `IK`: psk0 begins message 1, pskN ends message N (section 9.4). */
function patternOf(protocolName: string): Pattern {
  const [, name = "", letters, modifiers = ""] = /^Noise_(([A-Z]+)(\S*?))_/.exec(protocolName) ?? [];
  const base = BASES.find((pattern) => pattern.name === letters);
  if (base === undefined) throw new Error(`no pattern for ${protocolName}`);
  const psks = modifiers.match(/\d+/g)?.map(Number) ?? [];
  const messages = base.messages.map((tokens, i) => [
    ...(i === 0 && psks.includes(0) ? (["psk"] as const) : []),
    ...tokens,
    ...(psks.includes(i + 1) ? (["psk"] as const) : []),
  ]);
  return { ...base, name, messages };
}

describe.skipIf(!present)("published vectors", () => {
  const { vectors } = present
    ? (JSON.parse(readFileSync(FILE, "utf8")) as { vectors: Vector[] })
    : { vectors: [] };

  test("the file has IK, with and without pre-shared keys", () => {
    const names = vectors.map((vector) => vector.protocol_name);
    expect(names).toContain("Noise_IK_25519_AESGCM_SHA256");
    expect(names).toContain("Noise_IKpsk0+psk2_25519_AESGCM_SHA256");
  });

  test.each(vectors)("$protocol_name", (vector) => replay(vector, patternOf(vector.protocol_name)));
});
