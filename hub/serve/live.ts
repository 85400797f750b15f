/** What of hub.toml the hub takes up while it runs, where the part has no file of its own here. */

import { type Reconfigurable, switched } from "../../common/config/index.ts";
import type { HubConfig } from "../config/index.ts";
import type { RetentionLimits } from "../registry/index.ts";
import { type KeyedCertificate, isSameIdentity, loadTls, type TlsIdentity } from "../tls/index.ts";
import type { Admission, AdmissionLimits } from "../tunnel/index.ts";
import { certificateFor } from "./web.ts";

const DAY = 86_400_000;

/** Keys that are looked up whenever they are needed. */
export const READ_LIMITS = ["limits.token_minutes", "limits.return_seconds", "limits.drain_seconds"];

const ADMISSION = ["limits.handshakes", "limits.handshakes_per_address", "limits.refusals_per_minute"];

export function admissionOf({ limits }: HubConfig): AdmissionLimits {
  return {
    handshakes: limits.handshakes,
    handshakesPerAddress: limits.handshakes_per_address,
    refusalsPerMinute: limits.refusals_per_minute,
  };
}

export function admissionPart(admission: Admission): Reconfigurable<HubConfig> {
  return switched(ADMISSION, (changed) => admission.reconfigure(admissionOf(changed)));
}

export function retentionOf({ audit }: HubConfig): RetentionLimits {
  return { rows: audit.keep_rows, age: audit.keep_days * DAY };
}

export interface CertificateParts {
  stateDir: string;
  /** The one in use. */
  present: () => TlsIdentity | undefined;
  renew: (next: TlsIdentity) => Promise<void>;
}

export interface WebCertificateParts {
  /** The hub's own. */
  own: () => KeyedCertificate | undefined;
  /** The one in use. */
  present: () => KeyedCertificate | undefined;
  renew: (next: KeyedCertificate) => Promise<void>;
}

/** The certificate of [web]; that of [listen] it takes after that was renewed. */
export function webCertificatePart(
  { web }: HubConfig,
  parts: WebCertificateParts,
): Reconfigurable<HubConfig> {
  const files = web?.tls === "files";
  return {
    keys: files ? ["web.certificate", "web.key"] : [],
    always: web !== undefined && web.tls !== "off",
    prepare: (changed) => {
      // whether it is the hub's own is settled at the start
      const read = () =>
        changed.web && certificateFor({ ...changed.web, tls: files ? "files" : "hub" }, parts.own());
      const ready = files ? read() : undefined;
      if (files && (!ready || isSameIdentity(ready, parts.present()))) return undefined;
      const apply = async () => {
        const next = ready ?? read();
        if (next && !isSameIdentity(next, parts.present())) await parts.renew(next);
      };
      return { apply, ...(files && { renewed: ["certificate of [web]"] }) };
    },
  };
}

/** The certificate of [listen], whose files may be new although their names are not. */
export function certificatePart(
  { listen }: HubConfig,
  { stateDir, present, renew }: CertificateParts,
): Reconfigurable<HubConfig> {
  const files = listen.tls === "files";
  return {
    keys: files ? ["listen.certificate", "listen.key"] : [],
    always: files,
    prepare: async (changed) => {
      const next = changed.listen.tls === "files" ? await loadTls(changed, stateDir) : undefined;
      if (!next || isSameIdentity(next, present())) return undefined;
      return { renewed: ["certificate of [listen]"], apply: () => renew(next) };
    },
  };
}
