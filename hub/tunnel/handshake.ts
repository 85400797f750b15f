/** The hub's side of a handshake: who is it, may it, and which session goes on. */
import type { Carrier } from "../../common/carrier/index.ts";
import type { Clock } from "../../common/clock.ts";
import { FarsiteError } from "../../common/errors.ts";
import {
  attach,
  type EnrolHello,
  enrolHello,
  type HubHello,
  Opening,
  preamble,
  pskOf,
  type SessionHello,
  sessionHello,
} from "../../common/handshake/index.ts";
import type { Log } from "../../common/log.ts";
import { pack, unpack } from "../../common/msgpack.ts";
import { Handshake, IK, IKpsk2, type KeyPair } from "../../common/noise/index.ts";
import type { Random } from "../../common/random.ts";
import { type Link, records } from "../../common/session/index.ts";
import { VERSION } from "../../common/version.ts";
import type { AgentKeys, Enrolment, Registry, Site } from "../registry/index.ts";
import type { Probing } from "./probing.ts";
import type { TunnelledSites } from "./sites.ts";

export interface HandshakeDeps {
  /** The hub's keys that agents may expect, the most likely first. */
  keys: { readonly accepted: readonly KeyPair[] };
  agentKeys: Pick<AgentKeys, "arrived">;
  registry: Registry;
  enrolment: Enrolment;
  sites: TunnelledSites;
  /** Answers agents that only look at the line. */
  probing: Probing;
  clock: Clock;
  random: Random;
  log: Log;
  /** ms for the whole handshake. */
  timeout: number;
  /** Called when a peer was refused for a key or token that is not good. */
  refused: (peer: string) => void;
  /** A handshake is over; undefined: as it should be. */
  concluded?: (peer: string, refusal: FarsiteError | undefined) => void;
  /** A site has an agent's new key. */
  enrolled: (site: Site) => void;
}

/** Refusals that count as guessing. */
const GUESSES = new Set(["E_HANDSHAKE", "E_TOKEN_UNKNOWN", "E_KEY_UNKNOWN"]);

/** Takes a new carrier through its handshake. Resolves when it is over, whichever way; never rejects. */
export async function welcome(carrier: Carrier, deps: HandshakeDeps): Promise<void> {
  const opening = new Opening(carrier, deps.clock, deps.timeout);
  try {
    await opening.conduct(async () => {
      const { kind, noise } = decode(carrier, await opening.message());
      if (kind === preamble.SESSION) await session(carrier, opening, noise, deps);
      else await enrol(carrier, opening, noise, deps);
    });
    deps.concluded?.(carrier.peer, undefined);
  } catch (error) {
    const known =
      error instanceof FarsiteError ? error : new FarsiteError("E_INTERNAL", "the hub had a fault");
    if (known !== error) deps.log.error("handshake fault", { peer: carrier.peer, fault: String(error) });
    if (GUESSES.has(known.code)) deps.refused(carrier.peer);
    deps.concluded?.(carrier.peer, known);
    deps.log.warn("agent refused", { peer: carrier.peer, code: known.code, reason: known.message });
  }
}

function decode(carrier: Carrier, first: Buffer): { kind: preamble.HandshakeKind; noise: Buffer } {
  try {
    return preamble.decodeFirst(first);
  } catch (error) {
    if (error instanceof FarsiteError) carrier.send(preamble.encodeRefused(error));
    throw error;
  }
}

interface Way {
  pattern: typeof IK | typeof IKpsk2;
  kind: preamble.HandshakeKind;
}

/** Noise message 1 as it was read with one of the hub's keys, and the handshake that goes on. */
interface First {
  handshake: Handshake;
  payload: Buffer;
  /** The hub's key that the agent expects. */
  hubKey: Uint8Array;
}

/** Reads Noise message 1; what cannot be read was not meant for any key of this hub. */
function readFirst(
  carrier: Carrier,
  { pattern, kind }: Way,
  noise: Buffer,
  { keys, random }: HandshakeDeps,
): First {
  for (const localStatic of keys.accepted) {
    const prologue = preamble.prologue(kind);
    const handshake = new Handshake({ pattern, role: "responder", prologue, localStatic, random });
    try {
      return { handshake, payload: handshake.readMessage(noise), hubKey: localStatic.publicKey.bytes };
    } catch (fault) {
      if (!(fault instanceof FarsiteError) || fault.code === "E_INTERNAL") throw fault;
    }
  }
  const error = new FarsiteError("E_HUB_KEY", "this hub does not hold the key that the agent expects");
  carrier.send(preamble.encodeRefused(error));
  throw error;
}

function remoteKey(handshake: Handshake): Uint8Array {
  const key = handshake.remoteStatic;
  if (!key) throw new FarsiteError("E_HANDSHAKE", "the handshake proved no key");
  return key.bytes;
}

/**
 * Asks `lookup` for the site, and answers with it or with the refusal; a refusal is thrown, too.
 * Nothing is changed yet: message 1 may be an old one that somebody recorded.
 */
async function reply(
  carrier: Carrier,
  handshake: Handshake,
  clock: Clock,
  lookup: () => Promise<Site>,
): Promise<Site> {
  let site: Site | undefined;
  let refusal: FarsiteError | undefined;
  try {
    site = await lookup();
  } catch (error) {
    if (!(error instanceof FarsiteError)) throw error;
    refusal = error;
  }
  const hello: HubHello = {
    hub: VERSION,
    time: clock.wall(),
    ...(site && { accepted: { tenant: site.tenant, site: site.name }, probe: true }),
    ...(refusal && { refused: { code: refusal.code, message: refusal.message } }),
  };
  carrier.send(preamble.encodeAccepted(handshake.writeMessage(pack(hello))));
  if (!site) throw refusal;
  return site;
}

async function session(
  carrier: Carrier,
  opening: Opening,
  noise: Buffer,
  deps: HandshakeDeps,
): Promise<void> {
  const way: Way = { pattern: IK, kind: preamble.SESSION };
  const { handshake, payload, hubKey } = readFirst(carrier, way, noise, deps);
  const hello: SessionHello = unpack(sessionHello, payload, "the agent's hello");
  const key = remoteKey(handshake);
  const found = await reply(carrier, handshake, deps.clock, () => deps.registry.siteOfKey(key));
  opening.secure(handshake.split());
  const { wanted, link, left } = await opening.record((record, secured) => {
    if (record[0] === records.PROBE) {
      deps.probing.serve(found.id, secured, record);
      return { wanted: undefined, link: secured };
    }
    // it has seen what it came for
    if (record[0] === records.END)
      return { wanted: undefined, link: secured, left: records.decodeEnd(record) };
    expectKind(record, records.ATTACH);
    return { wanted: unpack(attach, record.subarray(1), "ATTACH"), link: secured };
  });
  if (left) return link.fail(left);
  if (!wanted) return;
  // the key may have been revoked, or the site disabled, while the handshake went on
  const site = await deps.agentKeys.arrived(key, hubKey).catch((error: unknown) => {
    if (error instanceof FarsiteError) link.send(records.encodeEnd(error));
    throw error;
  });
  const agent = {
    version: hello.agent,
    host: hello.host,
    clockSkew: Math.round(hello.time - deps.clock.wall()),
  };
  deps.sites.attach(site, agent, wanted, link, (answer) => {
    link.send(Buffer.concat([Buffer.from([records.ATTACHED]), pack(answer)]));
  });
  // not waited for: the handshake is over now, and what the agent may send grows with that
  void deps.registry.seen(site.id).catch(() => deps.log.warn("the registry cannot be written"));
}

async function enrol(carrier: Carrier, opening: Opening, noise: Buffer, deps: HandshakeDeps): Promise<void> {
  const way: Way = { pattern: IKpsk2, kind: preamble.ENROLMENT };
  const { handshake, payload } = readFirst(carrier, way, noise, deps);
  const hello: EnrolHello = unpack(enrolHello, payload, "the agent's hello");
  const key = remoteKey(handshake);
  // the secret that was sent, not the one that is kept: so even a refusal reaches the agent inside Noise
  handshake.setPsk(pskOf(hello.secret));
  await reply(carrier, handshake, deps.clock, () => deps.enrolment.check(hello.token, hello.secret, key));
  opening.secure(handshake.split());
  const link = await opening.record((record, secured): Link => {
    expectKind(record, records.ENROL);
    return secured;
  });
  try {
    const site = await deps.enrolment.redeem(hello.token, hello.secret, key, hello.host, carrier.peer);
    deps.sites.cut(site.id, new FarsiteError("E_KEY_REVOKED", "another enrolment replaced this agent's key"));
    deps.enrolled(site);
    deps.log.info("agent enrolled", {
      site: `${site.tenant}/${site.name}`,
      host: hello.host,
      peer: carrier.peer,
    });
    link.send(Buffer.from([records.ENROLLED]));
    // nothing comes after it, and no limit of time is left that would end a carrier whose agent stays
    carrier.close("enrolled");
  } catch (error) {
    if (error instanceof FarsiteError) link.send(records.encodeEnd(error));
    throw error;
  }
}

function expectKind(record: Buffer, kind: number): void {
  if (record[0] !== kind)
    throw new FarsiteError("E_PROTOCOL", `the agent began with a record of kind ${record[0]}`);
}
