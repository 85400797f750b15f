/** The certificate authorities that vouch for the hub. */
import { readFileSync } from "node:fs";
import { getCACertificates } from "node:tls";
import { FarsiteError, reasonOf } from "../../common/errors.ts";

/** The system's authorities and those in `file` (PEM); undefined means the system's alone. Throws E_CONFIG. */
export function readAuthorities(file: string | undefined): string[] | undefined {
  if (file === undefined) return undefined;
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new FarsiteError("E_CONFIG", `ca_file ${file} cannot be read: ${reasonOf(error)}`);
  }
  if (!text.includes("-----BEGIN CERTIFICATE-----")) {
    throw new FarsiteError("E_CONFIG", `ca_file ${file} holds no PEM certificate`);
  }
  return [...getCACertificates("default"), text];
}
