/** A site's version, as the link `version` in its folder names it: `../../versions/2.3.0p20.cre`. */
import { basename } from "node:path";
import { shown } from "./tree.ts";

export interface Version {
  /** Without the edition. */
  version: string;
  /** Undefined when it is no Checkmk. */
  edition: string | undefined;
}

/** Since 2.5 editions have other names; the former ones are understood until 2.6. */
const EDITIONS: Record<string, string> = {
  cre: "Raw",
  cfe: "Free",
  cee: "Enterprise",
  cce: "Cloud",
  cme: "Managed Services",
  cse: "SaaS",
  community: "Community",
  pro: "Pro",
  ultimate: "Ultimate",
  ultimatemt: "Ultimate with Multi-Tenancy",
  cloud: "Cloud (SaaS)",
};

/** Undefined when the link does not lead to a version. */
export function parseVersion(link: string): Version | undefined {
  const name = basename(link);
  if (!/^\d[\w.+-]{0,63}$/.test(name)) return undefined;
  const [, version = name, suffix = ""] = /^(.+?)\.([a-z]+)(?:\.demo)?$/.exec(name) ?? [];
  const edition = Object.hasOwn(EDITIONS, suffix) ? EDITIONS[suffix] : undefined;
  return edition === undefined ? { version: shown(name), edition } : { version, edition };
}
