/** The hub's own certificate: readable, not about to end, for the right name, and the one that is presented. */
import { createHash, X509Certificate } from "node:crypto";
import { existsSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import { connect } from "node:tls";
import type { Clock } from "../../common/clock.ts";
import { failed } from "../../common/finding.ts";
import type { HubConfig } from "../config/index.ts";
import { CERTIFICATE_FILE, daysLeft, hostOf, loadTls } from "../tls/index.ts";
import { type Finding, ok, skipped, warning, wrong } from "./finding.ts";

/** Days before its end from which on it is told: time for people to renew it. */
const SOON = 14;
/** ms for the hub to present it. */
const PATIENCE = 5_000;

export interface Presented {
  /** Hexadecimal SHA-256 (DER) of what is presented at the hub's port; undefined when there is no answer. */
  fingerprint: string | undefined;
}

/** Without a certificate yet nothing is made. */
export async function certificateFinding(
  config: HubConfig,
  stateDir: string,
  now: number,
  presented: Presented | undefined,
): Promise<Finding> {
  const { tls } = config.listen;
  if (tls === "off") return ok("certificate", 'none: tls = "off", a reverse proxy on this host has it');
  if (tls === "self" && !existsSync(join(stateDir, CERTIFICATE_FILE))) {
    return skipped("certificate", "none yet: the hub makes it at its first start");
  }
  try {
    const identity = await loadTls(config, stateDir);
    return judge(new X509Certificate(identity?.certificate ?? ""), hostOf(config.url), now, presented);
  } catch (error) {
    return failed("certificate", error);
  }
}

/** @param host what agents expect it to be for */
export function judge(
  certificate: X509Certificate,
  host: string,
  now: number,
  presented: Presented | undefined,
): Finding {
  const days = Math.floor(daysLeft(certificate, now));
  const sha256 = createHash("sha256").update(certificate.raw).digest("hex");
  const figures = { days, sha256 };
  const renew = "Renew it; agents with a pinned certificate need a new token then.";
  if (days < 0) return { ...wrong("certificate", "E_CONFIG", `it ended ${-days} days ago`, renew), figures };
  if (certificate.validFromDate.getTime() > now) {
    return { ...wrong("certificate", "E_CONFIG", `it begins at ${certificate.validFrom} only`), figures };
  }
  const named = isIP(host) ? certificate.checkIP(host) : certificate.checkHost(host);
  if (named === undefined) {
    const says = `it is not for ${host}, the name in url of hub.toml: agents do not take it`;
    return {
      ...wrong("certificate", "E_CONFIG", says, "Have one issued for that name, or correct url."),
      figures,
    };
  }
  if (presented?.fingerprint !== undefined && presented.fingerprint !== sha256) {
    const says = "the hub, or what stands in front of it, presents another one than the file has";
    return warning("certificate", says, { do: "systemctl restart farsite-hub", figures });
  }
  if (days < SOON) return warning("certificate", `it ends in ${days} days`, { do: renew, figures });
  return ok("certificate", `for ${host}, ${days} days left, SHA-256 ${sha256}`, { figures });
}

/** Looks at what is presented at an address; over that connection nothing is sent. */
export function presentedAt(address: string, port: number, clock: Clock): Promise<Presented> {
  const { promise, resolve } = Promise.withResolvers<Presented>();
  const socket = connect({ host: address, port, rejectUnauthorized: false });
  const timer = clock.after(PATIENCE, () => socket.destroy());
  socket.once("secureConnect", () => {
    const { raw } = socket.getPeerCertificate();
    resolve({ fingerprint: raw && createHash("sha256").update(raw).digest("hex") });
    socket.destroy();
  });
  socket.on("error", () => {});
  socket.once("close", () => {
    timer.cancel();
    resolve({ fingerprint: undefined });
  });
  return promise;
}
