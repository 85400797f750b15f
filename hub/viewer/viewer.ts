/** One TCP address at which viewer sites see a site, a tenant's sites, or all: who gets in, and on what terms. */

import type { Socket } from "node:net";
import type { Clock } from "../../common/clock.ts";
import type { Log } from "../../common/log.ts";
import { contains, type Network, parseIp, shownAddress } from "../../common/network.ts";
import { Notices } from "../../common/notices.ts";
import type { Place, Scope } from "../config/index.ts";
import { Endpoint } from "../endpoint/index.ts";
import type { Admission } from "../tunnel/index.ts";
import { NotSecure, type Secrets, type SecureSocket, secure } from "./secure.ts";

/** What answers a viewer's queries. */
export interface ViewerServer {
  /** As `Clients` does. */
  serve(socket: Socket, done: () => void, opaque: () => void): void;
}

export interface ViewerOptions {
  listen: Place;
  scope: Scope;
  /** Undefined: everybody. */
  onlyFrom: readonly Network[] | undefined;
  secrets: Secrets | undefined;
  /** What there is to see now; a text: why nothing. */
  resolve: (scope: Scope) => ViewerServer | string;
  /** How many may be setting up TLS. */
  admission: Admission;
  /** ms for it. */
  handshakeTimeout: number;
  /** A client was not let in. */
  refused: (client: string, reason: string, untold: number) => void;
  /** Counts all of them. */
  count?: () => void;
  clock: Clock;
  log: Log;
}

export class Viewer {
  readonly #options: ViewerOptions;
  readonly #endpoint: Endpoint;
  #secrets: Secrets | undefined;
  readonly #secured = new Set<SecureSocket>();
  /** Of clients that are not let in, that do not get as far, and for which there is nothing. */
  readonly #refusals: Notices;
  readonly #failures: Notices;
  readonly #absences: Notices;

  constructor(options: ViewerOptions) {
    this.#options = options;
    const { listen, clock, log } = options;
    this.#secrets = options.secrets;
    this.#refusals = new Notices(clock);
    this.#failures = new Notices(clock);
    this.#absences = new Notices(clock);
    this.#endpoint = new Endpoint({
      address: listen,
      clock,
      serve: (socket, done) => void this.#accept(socket, done),
      open: () => undefined,
      failed: (reason) => log.error("endpoint cannot be opened", { reason }),
    });
  }

  /** Another certificate, or other authorities, for clients that come from now on. */
  renew(secrets: Secrets): void {
    this.#secrets = secrets;
  }

  get state(): Endpoint["state"] {
    return this.#endpoint.state;
  }

  async #accept(raw: Socket, done: () => void): Promise<void> {
    raw.on("error", () => {});
    raw.once("close", done);
    const { clock, handshakeTimeout: timeout, admission } = this.#options;
    const secrets = this.#secrets;
    const client = shownAddress(raw.remoteAddress ?? "");
    if (!this.#admits(client)) {
      raw.resetAndDestroy();
      this.#refuse(client, "its address is not in only_from");
      return;
    }
    if (!secrets) {
      this.#serve(raw, client);
      return;
    }
    if (!admission.enter(client)) {
      raw.resetAndDestroy();
      this.#fail(client, "too many are setting up TLS");
      return;
    }
    try {
      const socket = await secure(raw, { ...secrets, clock, timeout });
      this.#secured.add(socket);
      socket.once("close", () => void this.#secured.delete(socket));
      this.#serve(socket, client);
    } catch (error) {
      if (!(error instanceof NotSecure)) throw error;
      if (error.refused) this.#refuse(client, error.message);
      else this.#fail(client, error.message);
    } finally {
      admission.leave(client);
    }
  }

  #admits(client: string): boolean {
    const { onlyFrom } = this.#options;
    const address = parseIp(client);
    return address !== undefined && (onlyFrom?.some((network) => contains(network, address)) ?? true);
  }

  #serve(socket: Socket, client: string): void {
    const { resolve, scope, log } = this.#options;
    const server = resolve(scope);
    if (typeof server === "string") {
      socket.on("error", () => {});
      socket.resetAndDestroy();
      this.#absences.note((untold) =>
        log.warn("viewer has nothing to see", { client, reason: server, untold }),
      );
      return;
    }
    server.serve(
      socket,
      () => {},
      () => this.#fail(client, "it speaks TLS, which is off here"),
    );
  }

  #refuse(client: string, reason: string): void {
    this.#options.count?.();
    this.#refusals.note((untold) => {
      this.#options.log.warn("viewer refused", { client, reason, untold });
      this.#options.refused(client, reason, untold);
    });
  }

  #fail(client: string, reason: string): void {
    this.#failures.note((untold) => this.#options.log.warn("viewer failed", { client, reason, untold }));
  }

  /** Stops listening; clients stay, and are waited for by what serves them. */
  drain(): void {
    this.#endpoint.drain();
  }

  /** Stops listening and breaks off every client. */
  close(): void {
    for (const socket of this.#secured) socket.resetAndDestroy();
    this.#endpoint.close();
  }
}
