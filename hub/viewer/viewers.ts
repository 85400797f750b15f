/** All TCP addresses for viewer sites. */

import type { Clock, Timer } from "../../common/clock.ts";
import type { Log } from "../../common/log.ts";
import { type Network, parseNetwork } from "../../common/network.ts";
import { withUntold } from "../../common/notices.ts";
import type { EndpointState } from "../endpoint/index.ts";
import { Admission } from "../tunnel/index.ts";
import { parsePlace, parseScope, type Scope, tlsOf, type ViewerConfig } from "../viewer-config.ts";
import { complainOfExpiry, loadIdentities } from "./identities.ts";
import type { Secrets } from "./secure.ts";
import { Viewer, type ViewerServer } from "./viewer.ts";

/** As of a site's endpoint, with `*` for all tenants or sites; it has no Unix socket. */
export interface ViewerState extends Omit<EndpointState, "socket"> {
  tls: "self" | "files" | "off";
  onlyFrom?: string[];
  clientCertificates: boolean;
}

export interface ViewersOptions {
  viewers: readonly ViewerConfig[];
  stateDir: string;
  /** Of the hub's URL. */
  host: string;
  /** For each viewer's endpoint: how many may be setting up TLS at once, of all and of one address. */
  handshakes: number;
  handshakesPerAddress: number;
  /** ms for it. */
  handshakeTimeout: number;
  resolve: (scope: Scope) => ViewerServer | string;
  /** A client was not let in to a view. */
  refused: (client: string, view: string, detail: string) => void;
  clock: Clock;
  log: Log;
}

/** ms between two looks at the certificates. */
const DAY = 86_400_000;
const SERVICE = "livestatus";
const ALL = "*";

export class Viewers {
  readonly #options: ViewersOptions;
  readonly #open: { config: ViewerConfig; viewer: Viewer }[] = [];
  #secrets: readonly (Secrets | undefined)[] = [];
  #look: Timer | undefined;

  constructor(options: ViewersOptions) {
    this.#options = options;
  }

  /** Reads their certificates. Throws E_CONFIG where one cannot be used, or E_STATE. */
  async load(): Promise<void> {
    const { viewers, stateDir, host, clock, log } = this.#options;
    const wall = () => clock.wall();
    const { secrets, expiring } = await loadIdentities(viewers, { stateDir, host, wall, log });
    this.#secrets = secrets;
    const look = () => {
      complainOfExpiry(expiring, clock.wall(), log);
      this.#look = clock.after(DAY, look);
    };
    look();
  }

  /** Opens them, once their certificates are there. */
  start(): void {
    const { viewers, clock, log } = this.#options;
    for (const [at, config] of viewers.entries()) {
      const listen = parsePlace(config.listen);
      const scope = parseScope(config.view);
      if (!listen || !scope) throw new Error(`viewer ${at} was not checked`);
      const { handshakes, handshakesPerAddress, handshakeTimeout, resolve, refused } = this.#options;
      const viewer = new Viewer({
        listen,
        scope,
        onlyFrom: config.only_from?.map(parseNetwork).filter((each): each is Network => each !== undefined),
        secrets: this.#secrets[at],
        resolve,
        admission: new Admission({
          clock,
          handshakes,
          handshakesPerAddress,
          refusalsPerMinute: Number.POSITIVE_INFINITY,
        }),
        handshakeTimeout,
        refused: (client, reason, untold) => {
          refused(client, config.view, withUntold(`at ${config.listen}; ${reason}`, untold));
        },
        clock,
        log: log.with({ viewer: config.listen, view: config.view }),
      });
      this.#open.push({ config, viewer });
    }
  }

  states(): ViewerState[] {
    return this.#open.map(({ config, viewer }) => {
      const { host, port } = parsePlace(config.listen) ?? { host: "", port: 0 };
      const { tenant = ALL, site = ALL } = parseScope(config.view) ?? {};
      return {
        tenant,
        site,
        service: SERVICE,
        address: host,
        port,
        ...viewer.state,
        tls: tlsOf(config),
        clientCertificates: config.client_authorities !== undefined,
        ...(config.only_from && { onlyFrom: config.only_from }),
      };
    });
  }

  /** Stops listening and breaks off every client. */
  close(): void {
    this.#look?.cancel();
    for (const { viewer } of this.#open) viewer.close();
  }
}
