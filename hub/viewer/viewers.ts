/** All TCP addresses for viewer sites. */

import { isDeepStrictEqual } from "node:util";
import type { Clock, Timer } from "../../common/clock.ts";
import type { Prepared } from "../../common/config/index.ts";
import type { Drainable } from "../../common/drain.ts";
import type { Log } from "../../common/log.ts";
import { type Network, parseNetwork } from "../../common/network.ts";
import { withUntold } from "../../common/notices.ts";
import { parsePlace, parseScope, type Scope, tlsOf, type ViewerConfig } from "../config/index.ts";
import type { EndpointState } from "../endpoint/index.ts";
import { Admission } from "../tunnel/index.ts";
import { complainOfExpiry, type Expiring, loadIdentities } from "./identities.ts";
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
  /** Counts all of them. */
  count?: () => void;
  clock: Clock;
  log: Log;
}

/** ms between two looks at the certificates. */
const DAY = 86_400_000;
const SERVICE = "livestatus";
const ALL = "*";

/** One that is open, or about to be. */
interface Entry {
  config: ViewerConfig;
  /** Of its certificates. */
  version: string;
  secrets: Secrets | undefined;
  viewer?: Viewer;
}

export class Viewers implements Drainable {
  readonly #options: ViewersOptions;
  #entries: Entry[] = [];
  #expiring: readonly Expiring[] = [];
  #look: Timer | undefined;

  constructor(options: ViewersOptions) {
    this.#options = options;
  }

  /** Reads their certificates. Throws E_CONFIG where one cannot be used, or E_STATE. */
  async load(): Promise<void> {
    const { viewers, host, clock, log } = this.#options;
    const { entries, expiring } = await this.#read(viewers, host);
    this.#entries = entries;
    this.#expiring = expiring;
    const look = () => {
      complainOfExpiry(this.#expiring, clock.wall(), log);
      this.#look = clock.after(DAY, look);
    };
    look();
  }

  async #read(
    viewers: readonly ViewerConfig[],
    host: string,
  ): Promise<{ entries: Entry[]; expiring: Expiring[] }> {
    const { stateDir, clock, log } = this.#options;
    const wall = () => clock.wall();
    const { secrets, versions, expiring } = await loadIdentities(viewers, { stateDir, host, wall, log });
    const entries = viewers.map((config, at) => ({
      config,
      version: versions[at] ?? "",
      secrets: secrets[at],
    }));
    return { entries, expiring };
  }

  /** Opens them, once their certificates are there. */
  start(): void {
    for (const entry of this.#entries) entry.viewer = this.#open(entry);
  }

  /**
   * Makes ready for others: those that stay keep their clients, also when their certificates are new.
   * Throws E_CONFIG or E_STATE; nothing has changed then.
   * @param host of the hub's URL
   */
  async prepare(viewers: readonly ViewerConfig[], host: string): Promise<Prepared> {
    const { entries, expiring } = await this.#read(viewers, host);
    const renewed: string[] = [];
    for (const entry of entries) {
      const present = this.#entries.find(({ config }) => isDeepStrictEqual(config, entry.config));
      if (!present?.viewer) continue;
      entry.viewer = present.viewer;
      if (present.version !== entry.version)
        renewed.push(`certificates of the viewer at ${entry.config.listen}`);
    }
    return {
      renewed,
      apply: () => {
        const before = this.#entries;
        this.#entries = entries;
        this.#expiring = expiring;
        complainOfExpiry(expiring, this.#options.clock.wall(), this.#options.log);
        const kept = new Set(entries.map(({ viewer }) => viewer));
        for (const { viewer } of before) if (!kept.has(viewer)) viewer?.close();
        for (const entry of entries) {
          if (!entry.viewer) entry.viewer = this.#open(entry);
          else if (entry.secrets) entry.viewer.renew(entry.secrets);
        }
      },
    };
  }

  #open({ config, secrets }: Entry): Viewer {
    const { clock, log } = this.#options;
    const listen = parsePlace(config.listen);
    const scope = parseScope(config.view);
    if (!listen || !scope) throw new Error(`the viewer at ${config.listen} was not checked`);
    const { handshakes, handshakesPerAddress, handshakeTimeout, resolve, refused, count } = this.#options;
    return new Viewer({
      listen,
      scope,
      onlyFrom: config.only_from?.map(parseNetwork).filter((each): each is Network => each !== undefined),
      secrets,
      resolve,
      admission: new Admission({
        clock,
        handshakes,
        handshakesPerAddress,
        refusalsPerMinute: Number.POSITIVE_INFINITY,
      }),
      handshakeTimeout,
      ...(count && { count }),
      refused: (client, reason, untold) => {
        refused(client, config.view, withUntold(`at ${config.listen}; ${reason}`, untold));
      },
      clock,
      log: log.with({ viewer: config.listen, view: config.view }),
    });
  }

  states(): ViewerState[] {
    return this.#entries.flatMap(({ config, viewer }) => {
      if (!viewer) return [];
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

  drain(): void {
    for (const { viewer } of this.#entries) viewer?.drain();
  }

  /** Its clients are the views' and the sites'. */
  readonly underWay = 0;

  /** Stops listening and breaks off every client. */
  close(): void {
    this.#look?.cancel();
    for (const { viewer } of this.#entries) viewer?.close();
  }
}
