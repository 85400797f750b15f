/** Endpoints of many sites at once: one for each tenant that has sites, and one for the operators. */

import type { Socket } from "node:net";
import { join } from "node:path";
import type { Clock } from "../../common/clock.ts";
import type { Drainable } from "../../common/drain.ts";
import { ensureDirectory } from "../../common/files.ts";
import type { Log } from "../../common/log.ts";
import type { Site } from "../registry/index.ts";
import { Endpoint } from "./endpoint.ts";
import type { EndpointState } from "./endpoints.ts";

/** As of a site's endpoint, but it has no TCP address. */
export type ViewState = Omit<EndpointState, "address" | "port">;

export interface ViewServer {
  /** Takes a client's connection; `done` is called when it is gone. */
  serve(socket: Socket, done: () => void): void;
  /** Ends its clients. */
  close(): void;
}

export interface ViewsOptions {
  runDir: string;
  clock: Clock;
  log: Log;
  /** @param tenant undefined: all tenants' sites */
  view: (tenant: string | undefined) => ViewServer;
}

/** The service, and the name of its sockets. */
const SERVICE = "livestatus";
/** Stands for all in the place of a tenant or a site. */
const ALL = "*";

interface Offer {
  tenant: string | undefined;
  path: string;
  server: ViewServer;
  unix: Endpoint;
}

export class Views implements Drainable {
  readonly #options: ViewsOptions;
  readonly #offers = new Map<string | undefined, Offer>();
  /** The sites of each tenant. */
  readonly #sites = new Map<string, Set<number>>();

  constructor(options: ViewsOptions) {
    this.#options = options;
  }

  /** Opens the operators' endpoint. */
  start(): void {
    this.#open(undefined);
  }

  /** A tenant has a site: its endpoint is there from now on. */
  offer({ id, tenant }: Site): void {
    const sites = this.#sites.get(tenant);
    if (sites) {
      sites.add(id);
      return;
    }
    this.#sites.set(tenant, new Set([id]));
    ensureDirectory(join(this.#options.runDir, tenant), 0o750);
    this.#open(tenant);
  }

  /** A site was removed; its tenant's endpoint goes with the last one. */
  forget({ id, tenant }: Site): void {
    const sites = this.#sites.get(tenant);
    sites?.delete(id);
    if (!sites || sites.size > 0) return;
    this.#sites.delete(tenant);
    this.#close(tenant);
  }

  #open(tenant: string | undefined): void {
    const { runDir, view, clock, log } = this.#options;
    const path = join(runDir, tenant ?? "", `${SERVICE}.sock`);
    const server = view(tenant);
    const unix = new Endpoint({
      address: { path },
      serve: (socket, done) => server.serve(socket, done),
      open: () => undefined,
      clock,
      failed: (reason) => log.error("endpoint cannot be opened", { socket: path, reason }),
    });
    this.#offers.set(tenant, { tenant, path, server, unix });
  }

  states(): ViewState[] {
    return [...this.#offers.values()].map(({ tenant, path, unix }) => ({
      tenant: tenant ?? ALL,
      site: ALL,
      service: SERVICE,
      socket: path,
      ...unix.state,
    }));
  }

  #close(tenant: string | undefined): void {
    const offer = this.#offers.get(tenant);
    if (!offer) return;
    this.#offers.delete(tenant);
    offer.unix.close();
    offer.server.close();
  }

  drain(): void {
    for (const { unix } of this.#offers.values()) unix.drain();
  }

  /** Its clients are the views'. */
  readonly underWay = 0;

  close(): void {
    for (const tenant of [...this.#offers.keys()]) this.#close(tenant);
  }
}
