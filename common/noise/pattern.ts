/** Handshake patterns as data (Noise rev 34, sections 7 and 9). */

/** The Diffie-Hellman tokens: the initiator's key and the responder's, ephemeral or static. */
export const DH_KEYS = {
  ee: ["e", "e"],
  es: ["e", "s"],
  se: ["s", "e"],
  ss: ["s", "s"],
} as const;

export type DhToken = keyof typeof DH_KEYS;
export type Token = "e" | "s" | "psk" | DhToken;

export interface Pattern {
  /** As in the protocol name: `IKpsk2`. */
  readonly name: string;
  /** Whose static key the other side knows before the handshake (the pre-messages). */
  readonly known: readonly ("initiator" | "responder")[];
  /** What each message carries; the initiator writes the first, then they alternate. */
  readonly messages: readonly (readonly Token[])[];
}

/** An enrolled agent: it knows the hub's key, the hub knows the agent's. */
export const IK: Pattern = {
  name: "IK",
  known: ["responder"],
  messages: [
    ["e", "es", "s", "ss"],
    ["e", "ee", "se"],
  ],
};

/** Enrolment: the agent's key is new to the hub, a pre-shared key vouches for it. */
export const IKpsk2: Pattern = {
  name: "IKpsk2",
  known: ["responder"],
  messages: [
    ["e", "es", "s", "ss"],
    ["e", "ee", "se", "psk"],
  ],
};
