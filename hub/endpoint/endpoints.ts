/** All endpoints of the hub: for every enabled site and service an address and a Unix socket. */

import { existsSync, readdirSync, rmdirSync, rmSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import type { Clock } from "../../common/clock.ts";
import { Complaints } from "../../common/complaints.ts";
import type { Drainable } from "../../common/drain.ts";
import { ensureDirectory } from "../../common/files.ts";
import type { Log } from "../../common/log.ts";
import { BULK, INTERACTIVE, type Priority, type ResetReason, type Stream } from "../../common/mux/index.ts";
import { Seldom } from "../../common/seldom.ts";
import { BULK_SERVICES } from "../config/index.ts";
import type { Site } from "../registry/index.ts";
import { Endpoint, type Way } from "./endpoint.ts";

export interface EndpointState {
  tenant: string;
  site: string;
  service: string;
  address: string;
  port: number;
  socket: string;
  /** Of the TCP address. */
  state: "listening" | "failed";
  reason?: string;
  /** Connections open now, by TCP and Unix socket. */
  clients: number;
}

type Ports = Readonly<Record<string, number>>;

export interface EndpointsOptions {
  /** Port of each service. */
  ports: Ports;
  /** Whether a service's data is compressed on its way. */
  packed: (service: string) => boolean;
  runDir: string;
  clock: Clock;
  log: Log;
  open: (siteId: number, service: string, priority: Priority, packed: boolean) => Stream | undefined;
  /** A site's agent decided against a client of a service: at most once an hour for each. */
  refused?: (site: Site, service: string, reason: string) => void;
  /** Counts all of these decisions. */
  count?: () => void;
  /** Services whose clients are not joined to a stream as they are, but served by something that understands them. */
  served?: ReadonlyMap<string, SiteServer>;
}

export interface SiteServer {
  /** Takes a client's connection; `done` is called when it is gone. */
  serve(site: Site, socket: Socket, done: () => void): void;
  /** The site's endpoints are closed. */
  forget(siteId: number): void;
}

/** Why a site did not take a client, in words for this side's log. */
const REASONS: Partial<Record<ResetReason, string>> = {
  serviceUnknown: "its agent offers no such service",
  serviceRefused: "its agent takes no streams from the hub",
  targetUnreachable: "its agent cannot reach the target",
  limit: "its agent takes no more streams for now",
  internal: "its agent reports a fault",
};

/** Those of them that are the agent's own decision, not a fault. */
const DECISIONS: ReadonlySet<ResetReason> = new Set<ResetReason>(["serviceUnknown", "serviceRefused"]);
/** ms between two audit records of the same: who asks again and again must not fill the audit. */
const RECORDED_EVERY = 3_600_000;

interface Offer {
  site: Site;
  service: string;
  port: number;
  path: string;
  tcp: Endpoint;
  unix: Endpoint;
}

export class Endpoints implements Drainable {
  readonly #offers = new Map<number, Offer[]>();
  /** Those that are enabled. */
  readonly #sites = new Map<number, Site>();

  readonly #complaints: Complaints;
  readonly #recorded: Seldom;

  #ports: Ports;

  constructor(private readonly options: EndpointsOptions) {
    this.#ports = options.ports;
    const { clock, log } = options;
    this.#complaints = new Complaints({ message: "service failed", clock, log });
    this.#recorded = new Seldom(clock, RECORDED_EVERY);
  }

  /** Opens what the registry says of a site, and closes what it no longer says; all else stays as it is. */
  offer(site: Site): void {
    if (!site.enabled) return this.withdraw(site.id);
    const before = this.#offers.get(site.id) ?? [];
    const offers = before.filter((offer) => site.services.includes(offer.service));
    for (const offer of before) if (!offers.includes(offer)) this.#close(offer);
    this.#offers.set(site.id, offers);
    this.#sites.set(site.id, site);
    const directory = join(this.options.runDir, site.tenant, site.name);
    // only the hub's user and group get in; each tenant has a directory of its own
    ensureDirectory(join(this.options.runDir, site.tenant), 0o750);
    ensureDirectory(directory, 0o750);
    for (const service of site.services) {
      if (offers.some((offer) => offer.service === service)) continue;
      const port = this.#ports[service];
      if (port === undefined) {
        this.options.log.warn("no port configured for a site's service", { ...nameOf(site), service });
        continue;
      }
      const path = join(directory, `${service}.sock`);
      const way = this.#way(site, service);
      offers.push({
        site,
        service,
        port,
        path,
        tcp: this.#openTcp(site, service, port, way),
        unix: this.#openUnix(site, path, way),
      });
    }
  }

  /** Other ports: endpoints whose port is another one now are closed and opened; all else stays as it is. */
  reconfigure(ports: Ports): void {
    this.#ports = ports;
    for (const [siteId, offers] of this.#offers) {
      const stay = offers.filter(({ service, port }) => ports[service] === port);
      for (const offer of offers) if (!stay.includes(offer)) this.#close(offer);
      this.#offers.set(siteId, stay);
    }
    // one site's old port may be another's new one
    for (const site of [...this.#sites.values()]) this.offer(site);
  }

  /** Where the clients of a service go. */
  #way(site: Site, service: string): Way {
    const priority = BULK_SERVICES.has(service) ? BULK : INTERACTIVE;
    const server = this.options.served?.get(service);
    return {
      serve: server && ((socket, done) => server.serve(site, socket, done)),
      open: () => this.options.open(site.id, service, priority, this.options.packed(service)),
      refused: (outcome) => {
        const reason = REASONS[outcome];
        if (reason === undefined) return;
        this.#complaints.say({ ...nameOf(site), service, reason });
        if (!DECISIONS.has(outcome)) return;
        this.options.count?.();
        if (!this.#recorded.due(`${site.id} ${service} ${outcome}`)) return;
        this.options.refused?.(site, service, reason);
      },
    };
  }

  #openTcp(site: Site, service: string, port: number, way: Way): Endpoint {
    const { clock, log } = this.options;
    const address = `${site.address}:${port}`;
    return new Endpoint({
      ...way,
      address: { host: site.address, port },
      clock,
      failed: (reason) =>
        log.error("endpoint cannot be opened", { ...nameOf(site), service, address, reason }),
    });
  }

  #openUnix(site: Site, path: string, way: Way): Endpoint {
    const { clock, log } = this.options;
    return new Endpoint({
      ...way,
      address: { path },
      clock,
      failed: (reason) => log.error("endpoint cannot be opened", { ...nameOf(site), socket: path, reason }),
    });
  }

  /** Closes a site's endpoints and ends their clients. */
  withdraw(siteId: number): void {
    for (const offer of this.#offers.get(siteId) ?? []) this.#close(offer);
    this.#offers.delete(siteId);
    this.#sites.delete(siteId);
    for (const server of this.options.served?.values() ?? []) server.forget(siteId);
  }

  #close(offer: Offer): void {
    offer.tcp.close();
    offer.unix.close();
    this.options.served?.get(offer.service)?.forget(offer.site.id);
  }

  /** After a site was removed: its directory goes too, and its tenant's when it is empty. */
  removeDirectory(site: Site): void {
    const tenant = join(this.options.runDir, site.tenant);
    rmSync(join(tenant, site.name), { recursive: true, force: true });
    if (existsSync(tenant) && readdirSync(tenant).length === 0) rmdirSync(tenant);
  }

  states(): EndpointState[] {
    return [...this.#offers.values()].flat().map(({ site, service, port, path, tcp, unix }) => {
      const { clients, ...state } = tcp.state;
      return {
        tenant: site.tenant,
        site: site.name,
        service,
        address: site.address,
        port,
        socket: path,
        ...state,
        clients: clients + unix.state.clients,
      };
    });
  }

  drain(): void {
    for (const { tcp, unix } of [...this.#offers.values()].flat()) for (const one of [tcp, unix]) one.drain();
  }

  get underWay(): number {
    const offers = [...this.#offers.values()].flat();
    return offers.reduce((sum, { tcp, unix }) => sum + tcp.underWay + unix.underWay, 0);
  }

  close(): void {
    for (const siteId of [...this.#offers.keys()]) this.withdraw(siteId);
  }
}

function nameOf(site: Site): { site: string } {
  return { site: `${site.tenant}/${site.name}` };
}
