/** What the agent knows of its hub since an enrolment: its key and where the hub is, in one folder. */

import { rmSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { FarsiteError } from "../common/errors.ts";
import { readSecretFile, writeSecretFile } from "../common/files.ts";
import { readIdentity, writeIdentity } from "../common/identity.ts";
import { parseJson } from "../common/json.ts";
import { siteName, tenantName } from "../common/names.ts";
import { KEY_BYTES, KeyPair } from "../common/noise/index.ts";
import type { KeyStore } from "./keys/index.ts";

/** By what an enrolment of this agent is told from its others: a folder's name, and a table's in agent.toml. */
export const enrolmentName = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$/, "a name: 1 to 64 of A-Z, a-z, 0-9, _ and -, not - first");

const enrolled = z.strictObject({
  url: z.string(),
  /** The hub's public key, base64. */
  hubKey: z.string().refine((text) => Buffer.from(text, "base64").length === KEY_BYTES),
  /** The hub's own certificate (PEM), where no authority vouches for it. */
  certificate: z.string().optional(),
  tenant: tenantName,
  site: siteName,
});

export interface Enrolled extends z.infer<typeof enrolled> {
  identity: KeyPair;
  /** A key that was made to take the place of `identity`, and has not yet. */
  next?: KeyPair | undefined;
  /** The hub's keys since, the newest first; without them it has the one of the enrolment. */
  hubKeys?: readonly Uint8Array[] | undefined;
}

export const IDENTITY_FILE = "agent.key";
const NEXT_FILE = "agent-next.key";
const HUB_FILE = "hub.json";
// beside that of the enrolment, by which the outbox and older releases know the hub
const HUB_KEYS_FILE = "hub-keys.json";

const hubKeys = z.strictObject({
  hubKeys: z
    .array(z.string().transform((text) => Buffer.from(text, "base64")))
    .min(1)
    .refine((keys) => keys.every((key) => key.length === KEY_BYTES)),
});

/** Reads what enrolment left in a folder. Throws E_NOT_ENROLLED, E_KEY_FILE or E_STATE. */
export function readEnrolled(folder: string): Enrolled {
  const identity = readIdentity(join(folder, IDENTITY_FILE));
  const path = join(folder, HUB_FILE);
  const text = readSecretFile(path);
  if (!identity || text === undefined) {
    throw new FarsiteError(
      "E_NOT_ENROLLED",
      `this agent is not enrolled: ${folder} holds no key`,
      "Get a token from the hub's operator and run: farsite-agent enroll TOKEN",
    );
  }
  const parsed = enrolled.safeParse(parseJson(text));
  if (!parsed.success) throw damaged(path);
  const next = readIdentity(join(folder, NEXT_FILE));
  const newer = readHubKeys(join(folder, HUB_KEYS_FILE));
  return { ...parsed.data, identity, ...(next && { next }), ...(newer && { hubKeys: newer }) };
}

function readHubKeys(path: string): Uint8Array[] | undefined {
  const text = readSecretFile(path);
  if (text === undefined) return undefined;
  const parsed = hubKeys.safeParse(parseJson(text));
  if (!parsed.success) throw damaged(path);
  return parsed.data.hubKeys;
}

function damaged(path: string): FarsiteError {
  return new FarsiteError("E_STATE", `${path} is damaged`, "Enrol again with a new token.");
}

/** The hub's keys that an agent knows, the newest first. */
export function hubKeysOf({ hubKeys, hubKey }: Pick<Enrolled, "hubKey" | "hubKeys">): readonly Uint8Array[] {
  return hubKeys ?? [Buffer.from(hubKey, "base64")];
}

/** Keeps the keys of the enrolment in `folder`. */
export function keyStore(folder: string): KeyStore {
  const next = join(folder, NEXT_FILE);
  return {
    keepNext: (identity) => writeIdentity(next, identity),
    keepIdentity: (identity) => {
      writeIdentity(join(folder, IDENTITY_FILE), identity);
      rmSync(next, { force: true });
    },
    keepHubKeys: (keys) => {
      const text = keys.map((key) => Buffer.from(key).toString("base64"));
      writeSecretFile(join(folder, HUB_KEYS_FILE), `${JSON.stringify({ hubKeys: text }, null, 2)}\n`);
    },
  };
}

export function isEnrolled(folder: string): boolean {
  return readSecretFile(join(folder, HUB_FILE)) !== undefined;
}

/** An enrolment that was begun: its key may be the site's already, although the hub's answer never came. */
export interface PendingEnrolment {
  /** The token's id, hexadecimal. */
  token: string;
  identity: KeyPair;
}

const PENDING_FILE = "enrolment.json";
const pending = z.strictObject({ token: z.string(), key: z.string() });

/** The key that a former try made for the token with this id. Throws E_KEY_FILE. */
export function readPending(stateDir: string, token: string): KeyPair | undefined {
  const text = readSecretFile(join(stateDir, PENDING_FILE));
  const parsed = text === undefined ? undefined : pending.safeParse(parseJson(text)).data;
  const secret = Buffer.from(parsed?.key ?? "", "base64");
  return parsed?.token === token && secret.length === KEY_BYTES ? new KeyPair(secret) : undefined;
}

/** Keeps the key of an enrolment before the hub is asked to take it. */
export function writePending(stateDir: string, { token, identity }: PendingEnrolment): void {
  const key = identity.exportSecret().toString("base64");
  writeSecretFile(join(stateDir, PENDING_FILE), `${JSON.stringify({ token, key })}\n`);
}

/** The enrolment that was begun is done. */
export function removePending(stateDir: string): void {
  rmSync(join(stateDir, PENDING_FILE), { force: true });
}

/** Keeps an enrolment in `folder`: from now on this is who the agent is. */
export function writeEnrolled(folder: string, { identity, next: _, hubKeys: __, ...hub }: Enrolled): void {
  // of the enrolment that this one takes the place of
  for (const file of [NEXT_FILE, HUB_KEYS_FILE]) rmSync(join(folder, file), { force: true });
  writeIdentity(join(folder, IDENTITY_FILE), identity);
  writeHub(folder, hub);
}

export function writeHub(folder: string, hub: z.infer<typeof enrolled>): void {
  writeSecretFile(join(folder, HUB_FILE), `${JSON.stringify(hub, null, 2)}\n`);
}

/** Beside the key, in a file of its own: a release that does not know it need not read it. */
const TOKEN_FILE = "token.id";

/** Notes by which token a folder's enrolment came about, hexadecimal: its id, which is no secret. */
export function writeTokenId(folder: string, id: string): void {
  writeSecretFile(join(folder, TOKEN_FILE), `${id}\n`);
}

/** Undefined where an older release enrolled. Throws E_KEY_FILE. */
export function readTokenId(folder: string): string | undefined {
  return readSecretFile(join(folder, TOKEN_FILE))?.trim();
}
