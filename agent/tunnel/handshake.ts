/** The agent's side of a handshake: for a session, and for enrolment. */

import { hostname } from "node:os";
import type { Carrier } from "../../common/carrier/index.ts";
import type { Clock } from "../../common/clock.ts";
import { FarsiteError } from "../../common/errors.ts";
import {
  type Attach,
  type Attached,
  attached,
  type EnrolmentToken,
  hubHello,
  Opening,
  preamble,
  pskOf,
  type SessionHello,
  throwIfRefused,
} from "../../common/handshake/index.ts";
import { pack, unpack } from "../../common/msgpack.ts";
import { Handshake, IK, IKpsk2, type KeyPair, PublicKey } from "../../common/noise/index.ts";
import type { Random } from "../../common/random.ts";
import { type Link, records } from "../../common/session/index.ts";
import { VERSION } from "../../common/version.ts";

export interface HandshakeDeps {
  identity: KeyPair;
  hubKey: Uint8Array;
  clock: Clock;
  random: Random;
  /** ms for the whole handshake. */
  timeout: number;
}

export interface Accepted {
  tenant: string;
  site: string;
  hubVersion: string;
  /** This host's clock less the hub's, ms; the way there and back makes it uncertain by their time. */
  clockSkew: number;
}

/**
 * Authenticates on a new carrier and asks for the session to go on. `take` gets the hub's answer and the
 * link, before anything else that comes over it.
 */
export async function openSession(
  carrier: Carrier,
  wanted: Attach,
  take: (answer: Attached, link: Link) => void,
  deps: HandshakeDeps,
): Promise<Accepted> {
  const opening = new Opening(carrier, deps.clock, deps.timeout);
  return opening.conduct(async () => {
    const { accepted, link } = await agree(
      carrier,
      opening,
      preamble.SESSION,
      hello(deps.clock),
      undefined,
      deps,
    );
    link.send(Buffer.concat([Buffer.from([records.ATTACH]), pack(wanted)]));
    await opening.record((record, secured) => {
      if (record[0] === records.END) throw records.decodeEnd(record);
      expectKind(record, records.ATTACHED);
      take(unpack(attached, record.subarray(1), "ATTACHED"), secured);
    });
    return accepted;
  });
}

/** Largest difference of clocks, in ms, with which an agent may enrol: half of what Livestatus rounds to. */
const MOST_SKEW = 15 * 60_000;

/**
 * Enrols with a token. `keep` must store the agent's key for good before it returns: once the hub has used
 * the token up, nothing but that key gets in.
 */
export async function enrol(
  carrier: Carrier,
  token: EnrolmentToken,
  keep: (accepted: Accepted) => void,
  deps: HandshakeDeps,
): Promise<Accepted> {
  const opening = new Opening(carrier, deps.clock, deps.timeout);
  return opening.conduct(async () => {
    const payload = { ...hello(deps.clock), token: token.id, secret: token.secret };
    const psk = pskOf(token.secret);
    const { accepted, link } = await agree(carrier, opening, preamble.ENROLMENT, payload, psk, deps);
    if (Math.abs(accepted.clockSkew) > MOST_SKEW) throw clockError(accepted.clockSkew);
    keep(accepted);
    link.send(Buffer.from([records.ENROL]));
    await opening.record((record) => {
      if (record[0] === records.END) throw records.decodeEnd(record);
      expectKind(record, records.ENROLLED);
    });
    carrier.close("enrolled");
    return accepted;
  });
}

/** What a look at the way comes to: the hub has proved its key, and this agent its own. */
export interface Examined {
  accepted: Accepted;
  /** Nothing is heard of it until it is attached to; whoever looks must end it. */
  link: Link;
  /** Whether the hub answers PROBE. */
  probes: boolean;
}

/** Authenticates on a new carrier, and leaves the site's session alone. */
export async function examine(carrier: Carrier, deps: HandshakeDeps): Promise<Examined> {
  const opening = new Opening(carrier, deps.clock, deps.timeout);
  return opening.conduct(() => agree(carrier, opening, preamble.SESSION, hello(deps.clock), undefined, deps));
}

function hello(clock: Clock): SessionHello {
  return { agent: VERSION, time: clock.wall(), host: hostname().slice(0, 200) };
}

async function agree(
  carrier: Carrier,
  opening: Opening,
  kind: preamble.HandshakeKind,
  payload: SessionHello,
  psk: Uint8Array | undefined,
  deps: HandshakeDeps,
): Promise<Examined> {
  const handshake = new Handshake({
    pattern: psk ? IKpsk2 : IK,
    role: "initiator",
    prologue: preamble.prologue(kind),
    localStatic: deps.identity,
    remoteStatic: new PublicKey(deps.hubKey),
    random: deps.random,
  });
  if (psk) handshake.setPsk(psk);
  const sent = deps.clock.now();
  carrier.send(preamble.encodeFirst(kind, handshake.writeMessage(pack(payload))));
  const noise = preamble.decodeSecond(await opening.message());
  const halfWay = (deps.clock.now() - sent) / 2;
  const answer = unpack(hubHello, readSecond(handshake, noise), "the hub's hello");
  const { tenant, site } = throwIfRefused(answer);
  const clockSkew = Math.round(deps.clock.wall() - halfWay - answer.time);
  return {
    accepted: { tenant, site, hubVersion: answer.hub, clockSkew },
    link: opening.secure(handshake.split()),
    probes: answer.probe === true,
  };
}

function readSecond(handshake: Handshake, noise: Buffer): Buffer {
  try {
    return handshake.readMessage(noise);
  } catch {
    throw new FarsiteError(
      "E_HUB_KEY",
      "what answered could not prove to be the hub",
      "Something between this host and the hub changed the handshake, or answered in the hub's place.",
    );
  }
}

function clockError(skew: number): FarsiteError {
  const minutes = Math.round(Math.abs(skew) / 60_000);
  const span = minutes < 120 ? `${minutes} minutes` : `${Math.round(minutes / 60)} hours`;
  return new FarsiteError(
    "E_CLOCK",
    `this host's clock is ${span} ${skew < 0 ? "behind" : "ahead of"} the hub's`,
    "Set the wrong one (timedatectl set-ntp true) and enrol again: monitoring needs clocks that agree. " +
      "The token was not used.",
  );
}

function expectKind(record: Buffer, kind: number): void {
  if (record[0] !== kind)
    throw new FarsiteError("E_PROTOCOL", `the hub began with a record of kind ${record[0]}`);
}
