/** A host for detection: a folder that stands for `/`, and what its kernel and its users would say. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import {
  type Account,
  type Detection,
  detect,
  type Found,
  type Host,
  Tree,
} from "../../../agent/omd/index.ts";
import { makeOmdSite, type OmdSite } from "../../lab/omd-tree.ts";

/** A folder for one test. */
export function scratch(): string {
  const root = makeRoot();
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  return root;
}

function makeRoot(): string {
  const root = mkdtempSync(join(tmpdir(), "farsite-omd-"));
  chmodSync(root, 0o755);
  mkdirSync(join(root, "omd/sites"), { recursive: true });
  return root;
}

/** A user who may open everything, unless it is said otherwise. */
export function account(changes: Partial<Account> = {}): Account {
  return {
    name: "farsite-agent",
    exists: true,
    groups: new Set([987]),
    uid: 987,
    mayOpen: () => true,
    groupName: (id) => `group${id}`,
    groupId: (name) => [...name].reduce((sum, char) => sum + char.charCodeAt(0), 50_000),
    ...changes,
  };
}

export interface World {
  /** Addresses that are listened at, by port. */
  ports?: Record<number, string[]>;
  /** Whether somebody listens at this path of the host. */
  listens?: (path: string) => boolean;
  account?: Account;
}

export function hostAt(root: string, { ports = {}, listens = () => true, account: who }: World = {}): Host {
  return {
    tree: new Tree(root),
    listeners: {
      addresses: (port) => ports[port] ?? [],
      socket: (path) => listens(path.slice(root.length)),
    },
    account: who ?? account(),
  };
}

/** Detects on a host with these sites, which is gone afterwards. */
export function detectSites(sites: OmdSite[], world?: World): Detection {
  const root = makeRoot();
  try {
    for (const site of sites) makeOmdSite(root, site);
    return detect(hostAt(root, world));
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/** As `detectSites`, with one site, which must be all that is found. */
export function detectSite(site: Partial<OmdSite>, world?: World): Found {
  const { sites, problems } = detectSites([{ name: "main", version: "2.3.0p20.cre", ...site }], world);
  if (problems.length > 0 || sites.length !== 1) throw new Error(JSON.stringify({ problems, sites }));
  return sites[0] as Found;
}
