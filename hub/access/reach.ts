/**
 * The hub as one principal may see and change it: the tenant boundary. All that serves people (pages, API, events)
 * gets a Reach and nothing else of the hub. What belongs to another tenant is answered exactly as what does not
 * exist; what the role lacks is refused before it is looked at.
 */

import { FarsiteError } from "../../common/errors.ts";
import type { EndpointState, ViewState } from "../endpoint/index.ts";
import type { Connect, History, SiteSeries, SiteSpark } from "../history/index.ts";
import type { Hub, HubStatus, KeysView, NewToken, SiteDetails, SiteView } from "../hub.ts";
import { answerInJson, type View } from "../livestatus/federation/index.ts";
import type {
  CommandResult,
  ProblemChanges,
  ProblemCommand,
  ProblemFilter,
  ProblemPage,
  Problems,
  Target,
} from "../problems/index.ts";
import { type AuditFilter, type AuditRecord, noSite, noTenant } from "../registry/index.ts";
import type { SiteChange, SiteChanges } from "../site-changes.ts";
import type { ViewerState } from "../viewer/index.ts";
import { type AccountParts, Accounts } from "./accounts.ts";
import { actorOf, demand, has, knows, type Principal, type Right } from "./principal.ts";

/** A site as people see it: without the right `hub` what it says of the hub's own network is left out. */
export type SeenSite = Hidden<SiteView>;
export type SeenDetails = Hidden<SiteDetails>;
type Hidden<View extends SiteView> = Omit<View, "address" | "central"> &
  Partial<Pick<View, "address" | "central">>;

export interface ReachParts {
  hub: Hub;
  changes: SiteChanges;
  /** What answers for the sites of a tenant, or of all. */
  queries?: (tenant: string | undefined) => View;
  /** What gathers the problems of all cores; without it there are none to be had. */
  problems?: Problems;
  /** What remembers how sites were. */
  history?: History;
  /** Where many sites answer as one: sockets of this host, and addresses for viewer sites. */
  views?: { states(): ViewState[] };
  viewers?: { states(): ViewerState[] };
}

/** What was with one site. */
export interface SitePast {
  /** The last day; undefined: nothing was measured. */
  series: SiteSeries | undefined;
  /** The newest first. */
  connects: readonly Connect[];
}

/** What a Reach has of the access that gave it. */
export interface LoginParts extends AccountParts {
  /** Calls `ended` when the login is over, or has other rights; returns how to stop it. */
  follow: (ended: () => void) => () => void;
}

export class Reach {
  /** Users and API tokens. */
  readonly accounts: Accounts;

  constructor(
    private readonly parts: ReachParts,
    readonly principal: Principal,
    private readonly login: LoginParts,
  ) {
    this.accounts = new Accounts(login, principal);
  }

  /** Whether a right is there: for what to offer. What is done is checked again where it is done. */
  has(right: Right): boolean {
    return has(this.principal, right);
  }

  /** The sites of all tenants that are seen, or of one. */
  async sites(tenant?: string): Promise<SeenSite[]> {
    demand(this.principal, "see");
    if (tenant !== undefined) this.#knowTenant(tenant);
    const views = await this.parts.hub.siteViews(tenant);
    return views.filter((view) => knows(this.principal, view.tenant)).map((view) => this.#hide(view));
  }

  async site(tenant: string, name: string): Promise<SeenDetails> {
    demand(this.principal, "see");
    this.#knowSite(tenant, name);
    return this.#hide(await this.parts.hub.siteView(tenant, name));
  }

  async tenants(): Promise<{ name: string; sites: number }[]> {
    demand(this.principal, "see");
    const all = await this.parts.hub.registry.tenants();
    return all.filter(({ name }) => knows(this.principal, name));
  }

  async addTenant(name: string): Promise<void> {
    await this.#registry.addTenant(this.#actor, name);
  }

  async removeTenant(name: string): Promise<void> {
    const registry = this.#registry;
    this.#knowTenant(name);
    await registry.removeTenant(this.#actor, name);
  }

  async addSite(tenant: string, name: string, services?: string[]): Promise<NewToken> {
    demand(this.principal, "registry");
    this.#knowTenant(tenant);
    return this.parts.hub.addSite(this.#actor, tenant, name, services);
  }

  async removeSite(tenant: string, name: string): Promise<void> {
    await this.#changing(tenant, name).removeSite(this.#actor, tenant, name);
  }

  async setEnabled(tenant: string, name: string, enabled: boolean): Promise<SeenSite> {
    return this.#hide(await this.#changing(tenant, name).setEnabled(this.#actor, tenant, name, enabled));
  }

  async setServices(tenant: string, name: string, services: string[]): Promise<SeenSite> {
    return this.#hide(await this.#changing(tenant, name).setServices(this.#actor, tenant, name, services));
  }

  async revoke(tenant: string, name: string): Promise<SeenSite> {
    return this.#hide(await this.#changing(tenant, name).revoke(this.#actor, tenant, name));
  }

  /** Asks the site's agent for a new key. Throws E_NOT_ENROLLED. */
  async rekey(tenant: string, name: string): Promise<SeenSite> {
    return this.#hide(await this.#changing(tenant, name).rekey(this.#actor, tenant, name));
  }

  /** An enrolment token for a site's agent. */
  async issueToken(tenant: string, name: string, minutes?: number): Promise<NewToken> {
    return this.#changing(tenant, name).issueToken(this.#actor, tenant, name, minutes);
  }

  /** Of the hub's own network: `hub`. */
  async endpoints(): Promise<EndpointState[]> {
    demand(this.principal, "hub");
    return this.parts.hub.endpoints.states().filter(({ tenant }) => knows(this.principal, tenant));
  }

  /** Where many sites answer as one: `hub`. */
  async gathered(): Promise<{ views: ViewState[]; viewers: ViewerState[] }> {
    demand(this.principal, "hub");
    const { views, viewers } = this.parts;
    return { views: views?.states() ?? [], viewers: viewers?.states() ?? [] };
  }

  /** The hub's own keys, and which sites do not know the present one yet. */
  async keys(): Promise<KeysView> {
    demand(this.principal, "hub");
    return this.parts.hub.keysView();
  }

  /** Throws E_EXISTS: too many former keys are still good. */
  async rotateKey(): Promise<KeysView> {
    demand(this.principal, "registry");
    return this.parts.hub.rotateKey(this.#actor);
  }

  async retireKeys(): Promise<KeysView> {
    demand(this.principal, "registry");
    return this.parts.hub.retireKeys(this.#actor);
  }

  async status(): Promise<HubStatus["hub"]> {
    demand(this.principal, "hub");
    return (await this.parts.hub.status()).hub;
  }

  /** The newest records that are wanted, the newest last; of the hub as a whole only for who sees all tenants. */
  async audit(filter: AuditFilter): Promise<AuditRecord[]> {
    demand(this.principal, "audit");
    const { registry } = this.parts.hub;
    const { tenants } = this.principal;
    if (tenants === "all") return registry.records(filter);
    const own = tenants.filter((tenant) => filter.tenant === undefined || filter.tenant === tenant);
    const found = await Promise.all(own.map((tenant) => registry.records({ ...filter, tenant })));
    return found
      .flat()
      .sort((a, b) => Date.parse(a.time) - Date.parse(b.time))
      .slice(-filter.limit);
  }

  /**
   * Calls `listener` for every change of a site that is seen, until what is returned is called; `ended` when the login
   * is over meanwhile, or has other rights: then nothing more comes. Throws E_LIMIT.
   */
  watch(listener: (change: SiteChange) => void, ended: () => void): () => void {
    demand(this.principal, "see");
    const stop = this.parts.changes.watch((change) => {
      if (knows(this.principal, change.tenant)) listener(change);
    });
    const unfollow = this.login.follow(() => {
      stop();
      ended();
    });
    return () => {
      stop();
      unfollow();
    };
  }

  /**
   * Asks the sites of a tenant, or of all that are seen, as one; JSON as it comes. Throws E_QUERY: there is no answer.
   */
  async query(tenant: string | undefined, text: string): Promise<ReadableStream> {
    demand(this.principal, "see");
    const { hub, queries } = this.parts;
    if (!queries) throw new FarsiteError("E_QUERY", "this hub answers no queries over many sites");
    const { tenants } = this.principal;
    const wanted = tenant ?? (tenants === "all" ? undefined : tenants[0]);
    if (tenant === undefined && tenants !== "all" && tenants.length !== 1)
      throw new FarsiteError("E_REQUEST", "the query names no tenant", "Name one of yours.");
    if (wanted !== undefined) {
      this.#knowTenant(wanted);
      await hub.registry.sites(wanted);
    }
    return answerInJson(queries(wanted), text, this.principal.from);
  }

  /** Problems of hosts and services that are seen. Throws E_NOT_FOUND, E_LIMIT. */
  async problems(filter: ProblemFilter): Promise<ProblemPage> {
    demand(this.principal, "see");
    return this.#problems.list(filter, this.principal.tenants);
  }

  /**
   * Calls `listener` for every change of problems that are seen, until what is returned is called; without anything
   * that gathers them, never. The end of the login is for `watch` to tell. Throws E_LIMIT.
   */
  watchProblems(listener: (changes: ProblemChanges) => void): () => void {
    demand(this.principal, "see");
    return this.parts.problems?.watch(this.principal.tenants, listener) ?? (() => {});
  }

  /** Acknowledges, schedules a downtime, checks again, at the site's core. Throws E_NOT_FOUND, E_USAGE, E_LIMIT. */
  async command(target: Target, command: ProblemCommand): Promise<CommandResult> {
    demand(this.principal, "command");
    this.#knowSite(target.tenant, target.site);
    return this.#problems.command(this.#actor, target, command);
  }

  /** What was of late with each site that is seen, by `TENANT/SITE`. */
  async sparks(): Promise<ReadonlyMap<string, SiteSpark>> {
    demand(this.principal, "see");
    const found = new Map<string, SiteSpark>();
    const { hub, history } = this.parts;
    if (!history) return found;
    for (const { id, tenant, name } of await hub.registry.sites()) {
      const spark = knows(this.principal, tenant) ? history.spark(id) : undefined;
      if (spark) found.set(`${tenant}/${name}`, spark);
    }
    return found;
  }

  /** The last day of a site. Throws E_NOT_FOUND. */
  async history(tenant: string, name: string): Promise<SitePast> {
    demand(this.principal, "see");
    this.#knowSite(tenant, name);
    const { id } = await this.parts.hub.registry.site(tenant, name);
    const { history } = this.parts;
    return { series: history?.series(id), connects: history?.connects(id) ?? [] };
  }

  get #problems(): Problems {
    const { problems } = this.parts;
    if (problems) return problems;
    throw new FarsiteError("E_NOT_FOUND", "this hub does not gather problems");
  }

  get #actor() {
    return actorOf(this.principal);
  }

  get #registry() {
    demand(this.principal, "registry");
    return this.parts.hub.registry;
  }

  #changing(tenant: string, name: string): Hub {
    demand(this.principal, "registry");
    this.#knowSite(tenant, name);
    return this.parts.hub;
  }

  #knowTenant(tenant: string): void {
    if (!knows(this.principal, tenant)) throw noTenant(tenant);
  }

  #knowSite(tenant: string, name: string): void {
    if (!knows(this.principal, tenant)) throw noSite(tenant, name);
  }

  /** An address tells how many sites there are, and a sink's name how the provider's network is built. */
  #hide<View extends SiteView>(view: View): Hidden<View> {
    if (this.has("hub")) return view;
    const { address: _, central: __, ...rest } = view;
    return { ...rest, inbox: view.inbox.map((box) => ({ ...box, problem: undefined, sinks: [] })) };
  }
}
