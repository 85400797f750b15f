/**
 * Known answers for the two patterns in use. They were computed with another implementation (flynn/noise
 * 1.0.0, in Go) from the inputs below, not with the code under test.
 */
import { expect, test } from "vitest";
import { IK, IKpsk2, type Pattern } from "../../../common/noise/index.ts";
import { agent, hub, psk, secretOf } from "./parties.ts";
import { replay } from "./vector.ts";

interface KnownAnswer {
  pattern: Pattern;
  handshakeHash: string;
  /** Payload as text, message as hex. */
  messages: [string, string][];
}

const ANSWERS: KnownAnswer[] = [
  {
    pattern: IK,
    handshakeHash: "cbe4c7372d0799e8094e2ed3e78c9d219e2c553ad80938b2c9f7a9da92fa163c",
    messages: [
      [
        "hello hub",
        "922d2d866f3aa76820f46e7a9af0b33937e77f28f109d7c77e10ee98a1dd2b7227f8ef22a0bf217c237e9e4452e5fae6a678e4e27b78abcc1705a9e5ddfc64ad91b234aa751bb641086b57957a1c3b8417e0a12c2c1ac1d9d7111e0f8ee195eb5fb4b081fb708be6ce",
      ],
      [
        "hello agent",
        "0c5b3c4ea57b2d835aef70f369d8ceb4c19e439d270288cd16b503e332e3e4063ce4dad63c5377dc1adf4364fc5fea90d1ef26787af24ff0f1742c",
      ],
      ["from agent", "709d54b20cfd5c9532200e6f56169ac5ee588edcc1a65342edc3"],
      ["from hub", "70fea7e100225858f9e09a75e8a932b33c65e2118c05fac0"],
      ["", "9ef9f71a648a670c4a9f36e8110663ec"],
      ["last", "c2662a06a88e44b7426f92be2b4d277f64f4e386"],
    ],
  },
  {
    pattern: IKpsk2,
    handshakeHash: "ac7237983afed44b981075a244d07d8ebb8f0a574c2d0e411d201d04200b482d",
    messages: [
      [
        "hello hub",
        "922d2d866f3aa76820f46e7a9af0b33937e77f28f109d7c77e10ee98a1dd2b72cb151a29f5f087b49f1c92f6860d7c21b3ebb48da88b3331ff95dbecc0ba037edc4bc0cc5769b6ce02cabdbbceb54df0f290f958d5fe3c97a1813c1000a6eaa5b0e1ddd96b1e027b14",
      ],
      [
        "hello agent",
        "0c5b3c4ea57b2d835aef70f369d8ceb4c19e439d270288cd16b503e332e3e4068861c0e01104ace9e65355d295dd71cc3654a717d01a79eba8ab45",
      ],
      ["from agent", "a092cca958f56f31c4b3eb0cf81b4f7c5984fa1a7d3d084c633e"],
      ["from hub", "391d1296821b30189f3666177417fc98afd14a1cbdff9824"],
      ["", "524589f21256a4a26fc159ce3aee9a82"],
      ["last", "dc2293742232c34355bebf51beae7388470d3e0a"],
    ],
  },
];

test.each(ANSWERS)("$pattern.name gives the known messages", ({ pattern, handshakeHash, messages }) => {
  const prologue = Buffer.from("farsite known answer").toString("hex");
  const psks = pattern === IKpsk2 ? [psk.toString("hex")] : [];
  replay(
    {
      protocol_name: `Noise_${pattern.name}_25519_AESGCM_SHA256`,
      init_prologue: prologue,
      init_psks: psks,
      init_static: agent.exportSecret().toString("hex"),
      init_ephemeral: secretOf("agent ephemeral").toString("hex"),
      init_remote_static: hub.publicKey.bytes.toString("hex"),
      resp_prologue: prologue,
      resp_psks: psks,
      resp_static: hub.exportSecret().toString("hex"),
      resp_ephemeral: secretOf("hub ephemeral").toString("hex"),
      handshake_hash: handshakeHash,
      messages: messages.map(([payload, ciphertext]) => ({
        payload: Buffer.from(payload).toString("hex"),
        ciphertext,
      })),
    },
    pattern,
  );
});

test("the hub's public key is the known one", () => {
  expect(hub.publicKey.bytes.toString("hex")).toBe(
    "3c63719e67890d24b73027da63d1d46d66751f9227c39b62ca1459cbc6285f6e",
  );
});
