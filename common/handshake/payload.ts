/** What agent and hub tell each other inside the handshake, and in the first records after it. */
import { z } from "zod";
import { FarsiteError, isErrorCode } from "../errors.ts";
import { serviceName, siteName, tenantName } from "../names.ts";
import { KEY_BYTES } from "../noise/index.ts";
import { printable } from "../text.ts";

const bytes = (length: number) =>
  z
    .custom<Uint8Array>((value) => value instanceof Uint8Array)
    .refine((value) => value.length === length, `${length} bytes`);

const shortText = z.string().max(200);

/** Payload of Noise message 1 of a session. */
export const sessionHello = z.object({
  /** The agent's release. */
  agent: shortText,
  /** The agent's clock, ms since the Unix epoch. */
  time: z.number(),
  /** The agent's host name, for people. */
  host: shortText,
});
export type SessionHello = z.infer<typeof sessionHello>;

/** Payload of Noise message 1 of an enrolment: only the hub can read it (es, ss). */
export const enrolHello = sessionHello.extend({ token: bytes(8), secret: bytes(32) });
export type EnrolHello = z.infer<typeof enrolHello>;

/** Payload of Noise message 2: accepted for a site, or refused with a reason. */
export const hubHello = z.object({
  /** The hub's release. */
  hub: shortText,
  /** The hub's clock, ms since the Unix epoch. */
  time: z.number(),
  accepted: z.object({ tenant: tenantName, site: siteName }).optional(),
  /** A newer hub may have codes that this release does not know. */
  refused: z.object({ code: z.string().max(64), message: z.string().max(500) }).optional(),
  /** It answers PROBE records. */
  probe: z.boolean().optional(),
});
export type HubHello = z.infer<typeof hubHello>;

export const SESSION_ID_BYTES = 16;

/** ATTACH: which session the agent wants to go on with, and how many FRAMES records of it it has. */
export const attach = z.object({
  session: bytes(SESSION_ID_BYTES).nullable(),
  received: z.int().min(0),
});
export type Attach = z.infer<typeof attach>;

/** ATTACHED: the session that goes on, or a new one. */
export const attached = z.object({
  session: bytes(SESSION_ID_BYTES),
  resumed: z.boolean(),
  /** How many FRAMES records of it the hub has. */
  received: z.int().min(0),
  /** The number of the first FRAMES record that the hub sends on this carrier. */
  from: z.int().min(0),
});
export type Attached = z.infer<typeof attached>;

/** Any CONTROL message; a kind that this side does not know is for a newer one, and is left alone. */
export const controlKind = z.object({ kind: z.string().max(32) });

/** Lines that one agent may listen for. */
export const MOST_LISTENERS = 64;

/** The lines an agent listens for, by name: connections or datagrams, to be carried to the central side. */
export const listens = z
  .record(serviceName, z.enum(["tcp", "udp"]))
  .refine((lines) => Object.keys(lines).length <= MOST_LISTENERS, `at most ${MOST_LISTENERS}`);
export type Listens = z.infer<typeof listens>;

/** CONTROL, agent to hub: the services it offers, and what it listens for. Sent at the start of a session. */
export const servicesControl = z.object({
  kind: z.literal("services"),
  names: z.array(serviceName).max(256),
  listens: listens.default({}),
  /** It lets no stream from the hub in. */
  pushOnly: z.boolean().optional(),
});

/** CONTROL, hub to agent: its key, and what becomes of the agent's. Sent at the start of a session and whenever there is news. */
export const keysControl = z.object({
  kind: z.literal("keys"),
  /** The hub's key, as it is from now on. */
  hub: bytes(KEY_BYTES),
  /** The agent is asked for another key. */
  renew: z.boolean().optional(),
  /** The agent's key that is let in from now on. */
  taken: bytes(KEY_BYTES).optional(),
});
export type KeysControl = z.infer<typeof keysControl>;

/** CONTROL, agent to hub: the key that it wants to have in the place of its present one. */
export const keyControl = z.object({ kind: z.literal("key"), next: bytes(KEY_BYTES) });

/** CONTROL, agent to hub: it is about to stop. What is asked already is answered, but nothing new should be asked. */
export const stoppingControl = z.object({ kind: z.literal("stopping") });

/** The hub's refusal as an error, if it is one. */
export function throwIfRefused(hello: HubHello): NonNullable<HubHello["accepted"]> {
  if (hello.refused) {
    const { code, message } = hello.refused;
    throw isErrorCode(code)
      ? new FarsiteError(code, message)
      : new FarsiteError("E_HANDSHAKE", `the hub refused: ${message} [${printable(code, 64)}]`);
  }
  if (!hello.accepted) throw new FarsiteError("E_PROTOCOL", "the hub neither accepted nor refused");
  return hello.accepted;
}
