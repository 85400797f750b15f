/** What the agent knows of its hub since enrolment: its key and where the hub is, in the state directory. */

import { join } from "node:path";
import { z } from "zod";
import { FarsiteError } from "../common/errors.ts";
import { readSecretFile, writeSecretFile } from "../common/files.ts";
import { readIdentity } from "../common/identity.ts";
import { siteName, tenantName } from "../common/names.ts";
import { KEY_BYTES, type KeyPair } from "../common/noise/index.ts";

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
}

export const IDENTITY_FILE = "agent.key";
const HUB_FILE = "hub.json";

/** Reads what enrolment left. Throws E_NOT_ENROLLED, E_KEY_FILE or E_STATE. */
export function readEnrolled(stateDir: string): Enrolled {
  const identity = readIdentity(join(stateDir, IDENTITY_FILE));
  const path = join(stateDir, HUB_FILE);
  const text = readSecretFile(path);
  if (!identity || text === undefined) {
    throw new FarsiteError(
      "E_NOT_ENROLLED",
      `this agent is not enrolled: ${stateDir} holds no key`,
      "Get a token from the hub's operator and run: farsite-agent enroll TOKEN",
    );
  }
  const parsed = enrolled.safeParse(parseJson(text));
  if (!parsed.success) {
    throw new FarsiteError("E_STATE", `${path} is damaged`, "Enrol again with a new token.");
  }
  return { ...parsed.data, identity };
}

export function isEnrolled(stateDir: string): boolean {
  return readSecretFile(join(stateDir, HUB_FILE)) !== undefined;
}

export function writeHub(stateDir: string, hub: z.infer<typeof enrolled>): void {
  writeSecretFile(join(stateDir, HUB_FILE), `${JSON.stringify(hub, null, 2)}\n`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
