import { describe, expect, test } from "vitest";
import {
  type Handshake,
  IK,
  IKpsk2,
  KeyPair,
  MAX_MESSAGE,
  type Pattern,
  PublicKey,
} from "../../../common/noise/index.ts";
import { SymmetricState } from "../../../common/noise/symmetric.ts";
import { systemRandom } from "../../../common/random.ts";
import {
  agent,
  flipped,
  hub,
  initiator,
  LOW_ORDER,
  PATTERNS,
  psk,
  responder,
  secretOf,
  thrown,
} from "./parties.ts";

const hello = Buffer.from("hello");
const answer = Buffer.from("answer");
const other = new KeyPair(secretOf("somebody else"));

/** Message 1 and 2 of a handshake that succeeds. */
function recorded(pattern: Pattern): { first: Buffer; second: Buffer } {
  const [a, b] = [initiator(pattern), responder(pattern)];
  const first = a.writeMessage(hello);
  b.readMessage(first);
  return { first, second: b.writeMessage(answer) };
}

/** An initiator that has written its message 1, the one in `recorded`. */
function waiting(pattern: Pattern): Handshake {
  const a = initiator(pattern);
  a.writeMessage(hello);
  return a;
}

/** What a refused message must leave: nothing learnt, and no way on. */
function expectOver(handshake: Handshake): void {
  expect(handshake.remoteStatic).toBeUndefined();
  expect(handshake.complete).toBe(false);
  thrown("E_INTERNAL", () => handshake.split());
  thrown("E_INTERNAL", () => handshake.handshakeHash);
  thrown("E_INTERNAL", () => handshake.writeMessage());
  thrown("E_INTERNAL", () => handshake.readMessage(hello));
}

/** The start of a first message by somebody who knows the hub's public key and writes by hand. */
function forge(pattern: Pattern, ephemeral: KeyPair): { symmetric: SymmetricState; parts: Buffer[] } {
  const symmetric = new SymmetricState(`Noise_${pattern.name}_25519_AESGCM_SHA256`);
  symmetric.mixHash(Buffer.from("farsite test"));
  symmetric.mixHash(hub.publicKey.bytes);
  symmetric.mixHash(ephemeral.publicKey.bytes);
  if (pattern === IKpsk2) symmetric.mixKey(ephemeral.publicKey.bytes);
  symmetric.mixKey(ephemeral.agree(hub.publicKey));
  return { symmetric, parts: [ephemeral.publicKey.bytes] };
}

describe.each(PATTERNS)("$name", (pattern) => {
  test("both sides learn payloads, keys and the same hash, and can talk", () => {
    const a = initiator(pattern, { random: systemRandom });
    const b = responder(pattern, { random: systemRandom });
    expect(b.remoteStatic).toBeUndefined();
    expect(b.readMessage(a.writeMessage(hello))).toEqual(hello);
    expect(b.remoteStatic?.equals(agent.publicKey)).toBe(true);
    expect([a.complete, b.complete]).toEqual([false, false]);
    expect(a.readMessage(b.writeMessage(answer))).toEqual(answer);
    expect([a.complete, b.complete]).toEqual([true, true]);
    expect(a.handshakeHash).toEqual(b.handshakeHash);
    const [at, bt] = [a.split(), b.split()];
    expect(bt.decrypt(at.encrypt(hello))).toEqual(hello);
    expect(at.decrypt(bt.encrypt(answer))).toEqual(answer);
    b.handshakeHash.fill(0);
    expect(a.handshakeHash).toEqual(b.handshakeHash);
  });

  test("empty payloads", () => {
    const [a, b] = [initiator(pattern), responder(pattern)];
    const first = a.writeMessage();
    expect(first).toHaveLength(32 + 48 + 16);
    expect(b.readMessage(first)).toHaveLength(0);
    const second = b.writeMessage();
    expect(second).toHaveLength(32 + 16);
    expect(a.readMessage(second)).toHaveLength(0);
  });

  test("a fresh ephemeral key makes each handshake another", () => {
    const messages = [1, 2].map(() => initiator(pattern, { random: systemRandom }).writeMessage(hello));
    expect(messages[0]).not.toEqual(messages[1]);
  });

  test("the largest payload passes, one byte more does not", () => {
    const room = MAX_MESSAGE - (32 + 48 + 16);
    const first = initiator(pattern).writeMessage(Buffer.alloc(room, 1));
    expect(first).toHaveLength(MAX_MESSAGE);
    expect(responder(pattern).readMessage(first)).toEqual(Buffer.alloc(room, 1));
    thrown("E_INTERNAL", () => initiator(pattern).writeMessage(Buffer.alloc(room + 1)));
  });

  test("a changed bit anywhere in message 1 is refused", () => {
    const { first } = recorded(pattern);
    for (let bit = 0; bit < first.length * 8; bit++) {
      const b = responder(pattern);
      thrown("E_HANDSHAKE", () => b.readMessage(flipped(first, bit)));
      expect(b.remoteStatic).toBeUndefined();
    }
  });

  test("a changed bit anywhere in message 2 is refused", () => {
    const { second } = recorded(pattern);
    for (let bit = 0; bit < second.length * 8; bit++) {
      const a = waiting(pattern);
      thrown("E_HANDSHAKE", () => a.readMessage(flipped(second, bit)));
      expect(a.complete).toBe(false);
    }
  });

  test("a message that is cut, empty, longer or over 65,535 bytes is refused", () => {
    const { first, second } = recorded(pattern);
    for (let length = 0; length < first.length; length++) {
      thrown("E_HANDSHAKE", () => responder(pattern).readMessage(first.subarray(0, length)));
    }
    for (let length = 0; length < second.length; length++) {
      thrown("E_HANDSHAKE", () => waiting(pattern).readMessage(second.subarray(0, length)));
    }
    for (const more of [1, 16, MAX_MESSAGE]) {
      thrown("E_HANDSHAKE", () => responder(pattern).readMessage(Buffer.concat([first, Buffer.alloc(more)])));
      thrown("E_HANDSHAKE", () => waiting(pattern).readMessage(Buffer.concat([second, Buffer.alloc(more)])));
    }
  });

  test("after a refused message the handshake is over, for good messages too", () => {
    const { first, second } = recorded(pattern);
    const b = responder(pattern);
    thrown("E_HANDSHAKE", () => b.readMessage(flipped(first, 3)));
    thrown("E_INTERNAL", () => b.readMessage(first));
    expectOver(b);
    const a = waiting(pattern);
    thrown("E_HANDSHAKE", () => a.readMessage(flipped(second, 3)));
    thrown("E_INTERNAL", () => a.readMessage(second));
    expectOver(a);
  });

  test("an agent that expects another hub is refused", () => {
    const first = initiator(pattern, { remoteStatic: other.publicKey }).writeMessage(hello);
    const b = responder(pattern);
    thrown("E_HANDSHAKE", () => b.readMessage(first));
    expectOver(b);
  });

  test("a hub with another key cannot answer", () => {
    const { first } = recorded(pattern);
    const impostor = responder(pattern, { localStatic: other });
    thrown("E_HANDSHAKE", () => impostor.readMessage(first));
    expectOver(impostor);
  });

  test("another prologue is refused", () => {
    const b = responder(pattern, { prologue: Buffer.from("farsite tesu") });
    thrown("E_HANDSHAKE", () => b.readMessage(initiator(pattern).writeMessage(hello)));
    expectOver(b);
  });

  test("a message of the other pattern is refused", () => {
    const b = responder(pattern === IK ? IKpsk2 : IK);
    thrown("E_HANDSHAKE", () => b.readMessage(initiator(pattern).writeMessage(hello)));
    expectOver(b);
  });

  test("a replayed message 1 gets an answer, but gains nothing", () => {
    const [a, b] = [initiator(pattern, { random: systemRandom }), responder(pattern)];
    const first = a.writeMessage(hello);
    b.readMessage(first);
    a.readMessage(b.writeMessage());
    b.split();
    const record = a.split().encrypt(hello);

    const again = responder(pattern, { random: systemRandom });
    expect(again.readMessage(first)).toEqual(hello);
    again.writeMessage();
    const transport = again.split();
    thrown("E_CARRIER_TAMPERED", () => transport.decrypt(record));
  });

  test("a replayed message 2 of an earlier handshake is refused", () => {
    const { second } = recorded(pattern);
    const a = initiator(pattern, { random: systemRandom });
    a.writeMessage(hello);
    thrown("E_HANDSHAKE", () => a.readMessage(second));
    expectOver(a);
  });

  test("a message reflected to its sender is refused", () => {
    const a = initiator(pattern);
    const first = a.writeMessage(hello);
    thrown("E_HANDSHAKE", () => a.readMessage(first));
  });

  test("a message 1 made by hand is read when it is right, but not over 65,535 bytes", () => {
    const room = MAX_MESSAGE - (32 + 48 + 16);
    for (const length of [0, room, room + 1]) {
      const { symmetric, parts } = forge(pattern, other);
      parts.push(symmetric.encryptAndHash(agent.publicKey.bytes));
      symmetric.mixKey(agent.agree(hub.publicKey));
      parts.push(symmetric.encryptAndHash(Buffer.alloc(length)));
      const message = Buffer.concat(parts);
      const b = responder(pattern);
      if (length <= room) {
        expect(b.readMessage(message)).toHaveLength(length);
        expect(b.remoteStatic?.equals(agent.publicKey)).toBe(true);
      } else {
        thrown("E_HANDSHAKE", () => b.readMessage(message));
        expectOver(b);
      }
    }
  });

  test("the hub does not learn a key that the sender only claims to have", () => {
    const { symmetric, parts } = forge(pattern, other);
    parts.push(symmetric.encryptAndHash(agent.publicKey.bytes));
    symmetric.mixKey(other.agree(hub.publicKey));
    parts.push(symmetric.encryptAndHash(hello));
    const b = responder(pattern);
    thrown("E_HANDSHAKE", () => b.readMessage(Buffer.concat(parts)));
    expectOver(b);
  });

  test.each(LOW_ORDER)("low-order point %# is refused as ephemeral and as static key", (point) => {
    const { first, second } = recorded(pattern);
    const b = responder(pattern);
    const error = thrown("E_HANDSHAKE", () => b.readMessage(Buffer.concat([point, first.subarray(32)])));
    expect(error.message).toContain("not a valid X25519 key");
    expectOver(b);

    const a = waiting(pattern);
    const back = thrown("E_HANDSHAKE", () => a.readMessage(Buffer.concat([point, second.subarray(32)])));
    expect(back.message).toContain("not a valid X25519 key");

    const { symmetric, parts } = forge(pattern, other);
    parts.push(symmetric.encryptAndHash(point), Buffer.alloc(16));
    const c = responder(pattern);
    const claimed = thrown("E_HANDSHAKE", () => c.readMessage(Buffer.concat(parts)));
    expect(claimed.message).toContain("not a valid X25519 key");
    expectOver(c);

    const dialling = initiator(pattern, { remoteStatic: new PublicKey(point) });
    thrown("E_HANDSHAKE", () => dialling.writeMessage(hello));
  });

  test("messages out of turn are refused", () => {
    thrown("E_INTERNAL", () => initiator(pattern).readMessage(hello));
    thrown("E_INTERNAL", () => responder(pattern).writeMessage());
    thrown("E_INTERNAL", () => waiting(pattern).writeMessage());
    const [a, b] = [initiator(pattern), responder(pattern)];
    b.readMessage(a.writeMessage());
    a.readMessage(b.writeMessage());
    thrown("E_INTERNAL", () => a.writeMessage());
    thrown("E_INTERNAL", () => b.readMessage(hello));
    expectOver(a);
    expectOver(b);
  });

  test("splits only once and only when complete", () => {
    const [a, b] = [initiator(pattern), responder(pattern)];
    thrown("E_INTERNAL", () => a.split());
    b.readMessage(a.writeMessage());
    thrown("E_INTERNAL", () => b.split());
    a.readMessage(b.writeMessage());
    a.split();
    thrown("E_INTERNAL", () => a.split());
    expect(a.complete).toBe(true);
    expect(a.remoteStatic?.equals(hub.publicKey)).toBe(true);
  });

  test("keys that the pattern needs, or has no place for, are missed or refused", () => {
    const none = undefined as never;
    thrown("E_INTERNAL", () => responder(pattern, { localStatic: none }));
    thrown("E_INTERNAL", () => initiator(pattern, { remoteStatic: none }));
    thrown("E_INTERNAL", () => initiator(pattern, { localStatic: none }).writeMessage());
    const b = responder(pattern, { remoteStatic: agent.publicKey });
    thrown("E_INTERNAL", () => b.readMessage(initiator(pattern).writeMessage()));
  });
});

describe("pre-shared key", () => {
  test("the hub may choose it by what message 1 says", () => {
    const b = responder(IKpsk2, {}, secretOf("not the one"));
    const a = initiator(IKpsk2);
    const named = b.readMessage(a.writeMessage(Buffer.from("psk")));
    b.setPsk(secretOf(named.toString()));
    a.readMessage(b.writeMessage(answer));
    expect(a.handshakeHash).toEqual(b.handshakeHash);
  });

  test("a wrong one is refused by the agent", () => {
    const [a, b] = [initiator(IKpsk2), responder(IKpsk2, {}, secretOf("wrong"))];
    b.readMessage(a.writeMessage());
    const second = b.writeMessage(answer);
    thrown("E_HANDSHAKE", () => a.readMessage(second));
    expectOver(a);
  });

  test.each([
    ["right", psk],
    ["wrong", secretOf("wrong")],
  ])("whoever goes on with the %s one, by hand, is found out by the first record", (which, key) => {
    const { symmetric, parts } = forge(IKpsk2, other);
    parts.push(symmetric.encryptAndHash(agent.publicKey.bytes));
    symmetric.mixKey(agent.agree(hub.publicKey));
    parts.push(symmetric.encryptAndHash(hello));
    const b = responder(IKpsk2);
    b.readMessage(Buffer.concat(parts));
    const second = b.writeMessage(answer);

    const ephemeral = new PublicKey(second.subarray(0, 32));
    symmetric.mixHash(ephemeral.bytes);
    symmetric.mixKey(ephemeral.bytes);
    symmetric.mixKey(other.agree(ephemeral));
    symmetric.mixKey(agent.agree(ephemeral));
    symmetric.mixKeyAndHash(key);
    const payload = symmetric.decryptAndHash(second.subarray(32));
    const record = symmetric.split()[0].encrypt(hello);
    const transport = b.split();
    if (which === "right") {
      expect(payload).toEqual(answer);
      expect(transport.decrypt(record)).toEqual(hello);
    } else {
      expect(payload).toBeUndefined();
      thrown("E_CARRIER_TAMPERED", () => transport.decrypt(record));
    }
  });

  test("a missing one is missed, not taken as zero", () => {
    const [a, b] = [initiator(IKpsk2, {}, null), responder(IKpsk2, {}, null)];
    b.readMessage(a.writeMessage());
    thrown("E_INTERNAL", () => b.writeMessage());
    expectOver(b);
  });

  test("serves one place in the pattern, not every one", () => {
    const twice: Pattern = { name: "NNpsk0+psk1", known: [], messages: [["psk", "e", "psk"]] };
    const a = initiator(twice);
    a.setPsk(psk);
    thrown("E_INTERNAL", () => a.writeMessage());
  });

  test("must have 32 bytes, and a place in the pattern", () => {
    for (const length of [0, 31, 33]) {
      thrown("E_INTERNAL", () => initiator(IKpsk2).setPsk(Buffer.alloc(length)));
    }
    thrown("E_INTERNAL", () => initiator(IK).setPsk(psk));
  });
});
