/** TLS with the hub: who vouches for what is presented, and whether that may be something that inspects it. */
import { createHash } from "node:crypto";
import type { PeerCertificate } from "node:tls";
import type { Clock } from "../../common/clock.ts";
import { FarsiteError } from "../../common/errors.ts";
import type { Limit, Open } from "../route/index.ts";
import { issuerName, presentedCertificate, stagedReach } from "../tunnel/index.ts";
import { type Finding, ok, problem, warning } from "./finding.ts";

export interface TlsTrust {
  /** Authorities (PEM) trusted instead of the system's: the hub's own certificate alone, where that is pinned. */
  ca: string[] | undefined;
  pinned: boolean;
  /** Authorities (PEM) that everybody trusts. */
  everybody: string[];
}

export interface TlsOptions {
  url: string;
  open: Open;
  trust: TlsTrust;
  clock: Clock;
  /** ms. */
  timeout: number;
}

/** ms before the end of a certificate from when on it is told. */
const SOON = 14 * 86_400_000;

/** One connection as the agent makes it, and others to see who it is that presents what is presented. */
export async function tlsFinding(
  { url, open, trust, clock, timeout }: TlsOptions,
  limit: () => Limit,
): Promise<Finding> {
  const reach = (ca: string[] | undefined) => stagedReach({ ca, clock, open })({ url, timeout });
  try {
    (await reach(trust.ca)).destroy();
  } catch (error) {
    const found = problem("tls", error);
    if (found.code !== "E_TLS_UNTRUSTED") return found;
    const certificate = await presentedCertificate(url, open, limit()).catch(() => undefined);
    return { ...found, ...suspicion(found, certificate, trust.pinned) };
  }
  const certificate = await presentedCertificate(url, open, limit()).catch(() => undefined);
  const figures = figuresOf(certificate);
  const until = Date.parse(certificate?.valid_to ?? "");
  if (until - clock.wall() < SOON) {
    const day = new Date(until).toISOString().slice(0, 10);
    return warning("tls", `the hub's certificate ends on ${day}`, { do: "Renew it.", owner: "hub", figures });
  }
  if (trust.pinned) return ok("tls", "the hub's own certificate, the one of the enrolment token", figures);
  const issuer = issuerName(certificate) || "an authority without a name";
  if (await publiclyTrusted(() => reach(trust.everybody))) {
    return ok("tls", `the certificate was issued by "${issuer}", a public authority`, figures);
  }
  return warning(
    "tls",
    `inspected by "${issuer}", or that is the hub's own authority: it is none of the public ones`,
    {
      do:
        "Compare the fingerprint with what farsite-hub doctor prints at the hub. What inspects TLS sees nothing inside of " +
        "the tunnel's own encryption; exempt the hub's name all the same, it may cut or delay.",
      owner: "network",
      figures,
    },
  );
}

async function publiclyTrusted(reach: () => Promise<{ destroy(): void }>): Promise<boolean> {
  try {
    (await reach()).destroy();
    return true;
  } catch (error) {
    if (error instanceof FarsiteError && error.code === "E_TLS_UNTRUSTED") return false;
    throw error;
  }
}

/** What an untrusted certificate says of whoever presents it. */
function suspicion(
  { says }: Finding,
  certificate: PeerCertificate | undefined,
  pinned: boolean,
): Partial<Finding> {
  const issuer = issuerName(certificate);
  const figures = figuresOf(certificate);
  // a wrong clock, or a certificate that has ended, are no sign of anybody in between
  if (issuer === "" || (!pinned && /is not valid at/.test(says))) return figures ? { figures } : {};
  const who = pinned
    ? `it is not the hub's own certificate of the enrolment token: inspected by "${issuer}"`
    : `inspected by "${issuer}", if that is not the hub's own authority`;
  return { says: `${says}; ${who}`, figures };
}

function figuresOf(certificate: PeerCertificate | undefined): Record<string, string> {
  if (!certificate?.raw) return {};
  return {
    issuer: issuerName(certificate),
    sha256: createHash("sha256").update(certificate.raw).digest("hex"),
    until: certificate.valid_to,
  };
}
