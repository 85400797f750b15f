/** Carriers of each kind, and over each the handshake: which gets through, and whether it is the right hub. */
import type { Clock } from "../../common/clock.ts";
import { FarsiteError } from "../../common/errors.ts";
import { KeyPair } from "../../common/noise/index.ts";
import type { Random } from "../../common/random.ts";
import { type CarrierKind, type Examined, examine, type Hop } from "../tunnel/index.ts";
import { eased, type Finding, ok, problem } from "./finding.ts";
import { leave } from "./measure.ts";

/** What an agent that is enrolled knows of its hub. */
export interface Keys {
  identity: KeyPair;
  hubKey: Uint8Array;
}

export interface Carried {
  kind: string;
  /** Undefined when there are no keys: then a hub answered, and nobody can say which. */
  examined: Examined | undefined;
}

export interface CarryOptions {
  url: string;
  keys: Keys | undefined;
  clock: Clock;
  random: Random;
  timeout: number;
}

/** Throws what the carrier or the handshake failed with. */
export async function carry(
  kind: CarrierKind,
  { url, keys, clock, random, timeout }: CarryOptions,
): Promise<Carried> {
  const carrier = await kind.dial({ url, timeout });
  const deps = { clock, random, timeout };
  if (keys) return { kind: kind.name, examined: await examine(carrier, { ...keys, ...deps }) };
  // nobody has this key: a hub says so, in its own words
  const stranger = { identity: KeyPair.ephemeral(random), hubKey: KeyPair.ephemeral(random).publicKey.bytes };
  try {
    leave((await examine(carrier, { ...stranger, ...deps })).link);
  } catch (error) {
    if (!(error instanceof FarsiteError) || error.code !== "E_HUB_KEY") throw error;
  }
  return { kind: kind.name, examined: undefined };
}

export interface Kinds {
  findings: Finding[];
  /** What was found over the first that got through. */
  line: Finding[];
}

/** Hops behind the carrier. */
const AFTERWARDS = new Set<Hop | undefined>(["handshake", "hub", "carrier"]);

/** What only people lift, and no other kind of carrier. */
const FINAL = new Set<Hop | undefined>(["hub", undefined]);

/**
 * Tries each kind. What one of them fails with is no problem where another one gets through.
 * @param look looks at the line over the first carrier; at once, since the hub does not wait for what follows
 */
export async function eachKind(
  kinds: readonly [CarrierKind, CarrierKind?],
  attempt: (kind: CarrierKind) => Promise<Carried>,
  look: (carried: Carried) => Promise<Finding[]>,
): Promise<Kinds> {
  const findings: Finding[] = [];
  let line: Finding[] | undefined;
  for (const kind of kinds) {
    if (!kind) continue;
    const step = kind.name === "HTTPS" ? "https" : "websocket";
    try {
      const found = await attempt(kind);
      findings.push(
        ok(step, step === "https" ? "plain HTTPS requests get through" : "a WebSocket gets through"),
      );
      if (line) leaveIfThere(found);
      else line = await look(found);
    } catch (error) {
      const found = problem(step, error);
      findings.push(AFTERWARDS.has(found.hop) ? { ...found, step: "handshake" } : found);
      if (FINAL.has(found.hop) || found.code === "E_VERSION") break;
    }
  }
  return { findings: line ? findings.map(eased) : findings, line: line ?? [] };
}

function leaveIfThere({ examined }: Carried): void {
  if (examined) leave(examined.link);
}
