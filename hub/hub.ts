/** What the hub can be asked to do: changes in the registry, and what follows from each at once. */

import { FarsiteError } from "../common/errors.ts";
import { encodeToken } from "../common/handshake/index.ts";
import type { PolicyConfig } from "../common/livestatus/index.ts";
import type { Log } from "../common/log.ts";
import { serviceName } from "../common/names.ts";
import { isOlder } from "../common/release.ts";
import { VERSION } from "../common/version.ts";
import type { Central, LineState } from "./central/index.ts";
import { type HubConfig, policyFor, rulesForNobody } from "./config/index.ts";
import type { Endpoints } from "./endpoint/index.ts";
import type { Sync, Syncs } from "./http/index.ts";
import type { BoxStatus, Inbox } from "./inbox/index.ts";
import type { HubKeys, KeyRenewal } from "./keys/index.ts";
import type { DatedState, LivestatusState, SiteStates } from "./livestatus/index.ts";
import { type OpenFiles, openFiles } from "./open-files.ts";
import type { Actor, AgentKeys, Enrolment, Registry, Site } from "./registry/index.ts";
import type { TlsIdentity } from "./tls/index.ts";
import type { SiteState, TunnelledSites } from "./tunnel/index.ts";

/** Who must know which sites there are. */
export interface SiteObserver {
  /** A site was added, changed, or was there at the start; it may be disabled. */
  offer(site: Site): void;
  /** It is gone for good. */
  forget(site: Site): void;
}

export interface HubParts {
  /** As it is now: it may be another one after a reload, as `tls`. */
  readonly config: HubConfig;
  registry: Registry;
  enrolment: Enrolment;
  sites: TunnelledSites;
  states: SiteStates;
  /** What a site's Livestatus clients have asked; undefined: nobody has. */
  traffic?: (site: Site) => LivestatusState | undefined;
  endpoints: Endpoints;
  /** Without it sites may use nothing of the central side. */
  central?: Pick<Central, "states">;
  observers?: readonly SiteObserver[];
  syncs?: Syncs;
  inbox?: Inbox;
  keys: HubKeys;
  agentKeys: AgentKeys;
  renewal: Pick<KeyRenewal, "rotate" | "greeting">;
  readonly tls: TlsIdentity | undefined;
  log: Log;
  /** Wall clock, ms. */
  wall: () => number;
}

/** One site as the command line shows it. */
export interface SiteView extends Omit<SiteState, "state" | "since" | "core" | "away" | "lost"> {
  tenant: string;
  site: string;
  address: string;
  services: string[];
  enrolled: boolean;
  /** Its agent's key: the first 16 hexadecimal digits, and since when (ISO 8601). */
  key?: { id: string; since: string };
  /** Of its agent. */
  state: SiteState["state"] | "disabled" | "never";
  /** ISO 8601. */
  since: string | undefined;
  lastSeen: string | undefined;
  /** Its agent is of an older release than this hub. */
  update?: true;
  /** The lines of the central side that hub.toml allows the site. */
  central: LineState[];
  /** Of the site as Livestatus clients find it, in Checkmk's words; `since` is ISO 8601. */
  livestatus: Omit<DatedState, "since"> & { since: string };
  /** What its Livestatus clients have asked since the hub's start; missing: nobody has. */
  requests?: LivestatusState;
  /** What its agent's outbox has sent, by lane; none that never sent anything. */
  inbox: BoxStatus[];
}

/** All that is known of one site. */
export interface SiteDetails extends SiteView {
  /** What may be asked of its core, as hub.toml has it for this site. */
  policy: PolicyConfig;
  /** The last calls of configuration sync that went through this hub since it was started, the oldest first. */
  syncs: readonly Sync[];
}

/** The hub's own keys, and who knows it by which. */
export interface KeysView {
  /** The present one, base64. */
  key: string;
  /** ISO 8601. */
  made: string;
  /** Those that agents may still come with, the newest first; `until` is ISO 8601. */
  former: { key: string; until: string }[];
  /** Sites, TENANT/SITE, whose agents did not come with the present one yet. */
  behind: string[];
}

export interface NewToken {
  tenant: string;
  site: string;
  address: string;
  token: string;
  /** ISO 8601. */
  expires: string;
}

export interface HubStatus {
  hub: {
    version: string;
    url: string;
    since: string;
    key: string;
    sites: number;
    connected: number;
    online: number;
    /** Missing where the system does not say. */
    files?: OpenFiles | undefined;
  };
  sites: SiteView[];
}

export class Hub {
  readonly registry: Registry;
  readonly endpoints: Endpoints;
  readonly log: Log;
  readonly #parts: HubParts;
  readonly #since: number;

  constructor(parts: HubParts) {
    this.#parts = parts;
    this.registry = parts.registry;
    this.endpoints = parts.endpoints;
    this.log = parts.log;
    this.#since = parts.wall();
  }

  /** Takes up every site in the registry, and opens its endpoints; at the start. */
  async openEndpoints(): Promise<void> {
    const sites = await this.registry.sites();
    for (const site of sites) this.#takeUp(site);
    // allowed, for one that is to come; but mostly it is a slip, and a policy that does not hold
    for (const owner of rulesForNobody(this.#parts.config, await this.registry.tenants(), sites)) {
      this.log.warn("there is no such tenant or site", { key: `policy.${owner}` });
    }
  }

  #takeUp(site: Site): void {
    this.#parts.states.know(site);
    this.#offer(site);
  }

  #offer(site: Site): void {
    this.endpoints.offer(site);
    for (const observer of this.#parts.observers ?? []) observer.offer(site);
  }

  /** Adds a site, with all services that have a port unless some are named, and makes its first token. */
  async addSite(actor: Actor | string, tenant: string, name: string, services?: string[]): Promise<NewToken> {
    const wanted = services ?? Object.keys(this.#parts.config.services);
    this.#checkServices(wanted);
    const site = await this.registry.addSite(actor, tenant, name, wanted);
    this.#takeUp(site);
    return this.issueToken(actor, tenant, name);
  }

  /** Gives a site other services: endpoints are opened and closed, the session and all else goes on. */
  async setServices(
    actor: Actor | string,
    tenant: string,
    name: string,
    services: string[],
  ): Promise<SiteView> {
    this.#checkServices(services);
    const site = await this.registry.setServices(actor, tenant, name, services);
    this.#parts.sites.know(site);
    this.#takeUp(site);
    return this.#view(site);
  }

  #checkServices(wanted: string[]): void {
    const known = Object.keys(this.#parts.config.services);
    const wrong = wanted.filter(
      (service) => !known.includes(service) || !serviceName.safeParse(service).success,
    );
    if (wrong.length === 0 && wanted.length > 0) return;
    throw new FarsiteError(
      "E_NAME",
      wanted.length === 0 ? "a site needs a service" : `no port is configured for ${wrong.join(", ")}`,
      `Known services: ${known.join(", ")}. Others are added under [services] in hub.toml.`,
    );
  }

  async issueToken(actor: Actor | string, tenant: string, name: string, minutes?: number): Promise<NewToken> {
    const { config, enrolment, keys, tls } = this.#parts;
    const ttl = (minutes ?? config.limits.token_minutes) * 60_000;
    const { id, secret, expires } = await enrolment.issue(actor, tenant, name, ttl);
    const token = encodeToken({
      url: config.url,
      hubKey: keys.current.publicKey.bytes,
      certificate: tls?.fingerprint,
      id,
      secret,
    });
    const { address } = await this.registry.site(tenant, name);
    return { tenant, site: name, address, token, expires: new Date(expires).toISOString() };
  }

  async setEnabled(actor: Actor | string, tenant: string, name: string, enabled: boolean): Promise<SiteView> {
    const site = await this.registry.setEnabled(actor, tenant, name, enabled);
    this.#parts.states.know(site);
    if (!enabled) {
      this.#parts.sites.cut(
        site.id,
        new FarsiteError("E_SITE_DISABLED", "this site was disabled at the hub"),
      );
    }
    this.#offer(site);
    return this.#view(site);
  }

  async revoke(actor: Actor | string, tenant: string, name: string): Promise<SiteView> {
    const site = await this.registry.revoke(actor, tenant, name);
    this.#parts.states.know(site);
    this.#parts.sites.cut(site.id, new FarsiteError("E_KEY_REVOKED", "this agent's key was revoked"));
    return this.#view(site);
  }

  /** Asks a site's agent for a new key; while that is not there the present one stays good. */
  async rekey(actor: Actor | string, tenant: string, name: string): Promise<SiteView> {
    const { agentKeys, sites, renewal } = this.#parts;
    const site = await agentKeys.wantRenewal(actor, tenant, name);
    sites.tellKeys(site.id, renewal.greeting(site));
    return this.#view(site);
  }

  async keysView(): Promise<KeysView> {
    const { keys, agentKeys } = this.#parts;
    const present = keys.current.publicKey.bytes;
    const others = (await agentKeys.acquainted()).filter(({ hubKey }) => hubKey !== present.toString("hex"));
    return {
      key: present.toString("base64"),
      made: new Date(keys.made).toISOString(),
      former: keys.former.map(({ key, until }) => ({ key, until: new Date(until).toISOString() })),
      behind: others.map(({ tenant, site }) => `${tenant}/${site}`),
    };
  }

  /** Makes a new key of the hub's; agents learn it when they come, and until the overlap is over the former is good. */
  async rotateKey(actor: Actor | string): Promise<KeysView> {
    await this.#parts.renewal.rotate();
    const { short } = this.#parts.keys.current.publicKey;
    await this.registry.record(actor, "hub.key.rotate", "", `key ${short}`);
    return this.keysView();
  }

  /** Ends the hub's former keys: agents that do not know the present one must enrol again. */
  async retireKeys(actor: Actor | string): Promise<KeysView> {
    const ended = this.#parts.keys.former.length;
    this.#parts.keys.retire();
    await this.registry.record(actor, "hub.key.retire", "", `${ended} former keys`);
    return this.keysView();
  }

  async removeSite(actor: Actor | string, tenant: string, name: string): Promise<void> {
    const site = await this.registry.removeSite(actor, tenant, name);
    this.#parts.states.forget(site.id);
    this.#parts.sites.cut(site.id, new FarsiteError("E_KEY_REVOKED", "this site was removed from the hub"));
    this.#parts.sites.forget(site.id);
    this.endpoints.withdraw(site.id);
    for (const observer of this.#parts.observers ?? []) observer.forget(site);
    this.endpoints.removeDirectory(site);
  }

  async siteView(tenant: string, name: string): Promise<SiteDetails> {
    const site = await this.registry.site(tenant, name);
    return {
      ...this.#view(site),
      policy: policyFor(this.#parts.config, site),
      syncs: this.#parts.syncs?.of(site.id) ?? [],
    };
  }

  async siteViews(tenant?: string): Promise<SiteView[]> {
    return (await this.registry.sites(tenant)).map((site) => this.#view(site));
  }

  async status(): Promise<HubStatus> {
    const sites = await this.siteViews();
    return {
      hub: {
        version: VERSION,
        url: this.#parts.config.url,
        since: new Date(this.#since).toISOString(),
        key: this.#parts.keys.current.publicKey.bytes.toString("base64"),
        sites: sites.length,
        connected: sites.filter((site) => site.state === "connected").length,
        files: openFiles(),
        online: sites.filter((site) => site.livestatus.state === "online").length,
      },
      sites,
    };
  }

  #view(site: Site): SiteView {
    const { state, since, core: _, away: __, lost: ___, ...rest } = this.#parts.sites.state(site.id);
    const changed = since || site.lastSeen;
    const requests = this.#parts.traffic?.(site);
    return {
      tenant: site.tenant,
      site: site.name,
      address: site.address,
      services: site.services,
      enrolled: site.key !== undefined,
      ...(site.key !== undefined && {
        key: { id: site.key.slice(0, 16), since: new Date(site.keySince ?? 0).toISOString() },
      }),
      ...rest,
      state: !site.enabled
        ? "disabled"
        : state !== "disconnected" || site.lastSeen !== undefined
          ? state
          : "never",
      since: changed ? new Date(changed).toISOString() : undefined,
      ...(rest.agent && isOlder(rest.agent.version, VERSION) && { update: true as const }),
      lastSeen: site.lastSeen === undefined ? undefined : new Date(site.lastSeen).toISOString(),
      central: this.#parts.central?.states(site) ?? [],
      livestatus: this.#livestatus(site),
      ...(requests && { requests }),
      inbox: this.#parts.inbox?.status(site) ?? [],
    };
  }

  #livestatus(site: Site): SiteView["livestatus"] {
    const { states, wall } = this.#parts;
    // one that another request is about to add or remove
    const { since, ...state } = states.state(site.id) ?? { state: "unknown", since: wall() };
    return { ...state, since: new Date(since).toISOString() };
  }
}
