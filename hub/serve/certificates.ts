/** The certificates that agents and browsers see, each of which a reload may renew. */
import type { Reconfigurable } from "../../common/config/index.ts";
import type { HubConfig, WebConfig } from "../config/index.ts";
import { isSameIdentity, type KeyedCertificate, loadTls, readPair, type TlsIdentity } from "../tls/index.ts";
import type { Ground } from "./ground.ts";

/** A listener that can take another certificate. */
type Listening<C> = { renew(next: C): Promise<void> } | undefined;

export interface Certificates {
  /** Of [listen]; undefined: it does no TLS. */
  readonly tls: TlsIdentity | undefined;
  /** Of [web]. */
  readonly web: KeyedCertificate | undefined;
  parts: readonly Reconfigurable<HubConfig>[];
}

/**
 * Throws E_CONFIG or E_STATE.
 * @param listeners those that there are now
 */
export async function openCertificates(
  { config, places: { stateDir } }: Ground,
  listeners: { agents: () => Listening<TlsIdentity>; web: () => Listening<KeyedCertificate> },
): Promise<Certificates> {
  let tls = await loadTls(config, stateDir);
  let web = config.web && certificateFor(config.web, tls);
  const parts = [
    certificatePart(config, {
      stateDir,
      present: () => tls,
      renew: async (next) => {
        tls = next;
        await listeners.agents()?.renew(next);
      },
    }),
    webCertificatePart(config, {
      own: () => tls,
      present: () => web,
      renew: async (next) => {
        web = next;
        await listeners.web()?.renew(next);
      },
    }),
  ];
  return {
    get tls() {
      return tls;
    },
    get web() {
      return web;
    },
    parts,
  };
}

/** What the web interface shows; undefined: it does no TLS. Throws E_CONFIG. */
function certificateFor(web: WebConfig, own: KeyedCertificate | undefined): KeyedCertificate | undefined {
  if (web.tls === "off") return undefined;
  if (web.tls === "hub") return own;
  return readPair(web.certificate ?? "", web.key ?? "", "web.certificate", "web.key").identity;
}

interface CertificateParts {
  stateDir: string;
  /** The one in use. */
  present: () => TlsIdentity | undefined;
  renew: (next: TlsIdentity) => Promise<void>;
}

interface WebCertificateParts {
  /** The hub's own. */
  own: () => KeyedCertificate | undefined;
  /** The one in use. */
  present: () => KeyedCertificate | undefined;
  renew: (next: KeyedCertificate) => Promise<void>;
}

/** The certificate of [web]; that of [listen] it takes after that was renewed. */
function webCertificatePart({ web }: HubConfig, parts: WebCertificateParts): Reconfigurable<HubConfig> {
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
function certificatePart(
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
