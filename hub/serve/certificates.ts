/** The certificates that agents and browsers see, each of which a reload may renew. */
import type { Reconfigurable } from "../../common/config/index.ts";
import type { HubConfig } from "../config/index.ts";
import { type KeyedCertificate, loadTls, type TlsIdentity } from "../tls/index.ts";
import type { Ground } from "./ground.ts";
import { certificatePart, webCertificatePart } from "./live.ts";
import { certificateFor } from "./web.ts";

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
