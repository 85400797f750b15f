/** Keeps the agent connected: dials, authenticates, goes on with the session, and again after every loss. */

import type { Clock, Timer } from "../../common/clock.ts";
import { FarsiteError } from "../../common/errors.ts";
import type { Attached } from "../../common/handshake/index.ts";
import type { Log } from "../../common/log.ts";
import { pack } from "../../common/msgpack.ts";
import type { Random } from "../../common/random.ts";
import type { Link, SessionLimits } from "../../common/session/index.ts";
import { createTunnel, type Tunnel } from "../../common/tunnel.ts";
import type { Services } from "../service/index.ts";
import type { Enrolled } from "../state.ts";
import { Backoff, REFUSED_BACKOFF_FACTOR } from "./backoff.ts";
import { type Accepted, openSession } from "./handshake.ts";
import type { DialCarrier } from "./websocket.ts";

export interface ConnectorOptions {
  enrolled: Enrolled;
  services: Services;
  dial: DialCarrier;
  ca: string[] | undefined;
  clock: Clock;
  random: Random;
  log: Log;
  defer: (run: () => void) => void;
  session: Partial<SessionLimits>;
  maxStreams: number;
  /** ms for connection and handshake. */
  timeout: number;
}

export interface ConnectorStatus {
  state: "connecting" | "connected" | "waiting";
  /** ms since the epoch. */
  since: number;
  url: string;
  tenant: string;
  site: string;
  carrier: string | undefined;
  rtt: number | undefined;
  streams: number;
  hubVersion: string | undefined;
  /** This host's clock less the hub's, ms. */
  clockSkew: number | undefined;
  /** Why it is not connected. */
  error: { code: string; message: string; hint?: string } | undefined;
}

/** Clocks that differ by more, in ms, are worth a warning: Livestatus shifts its times by half hours. */
const SKEW_WARNING = 60_000;

/** What only a person can change; it is still tried, seldom. */
const STANDING: ReadonlySet<string> = new Set([
  "E_KEY_UNKNOWN",
  "E_KEY_REVOKED",
  "E_SITE_DISABLED",
  "E_VERSION",
  "E_HUB_KEY",
  "E_TLS_UNTRUSTED",
]);

export class Connector {
  readonly #options: ConnectorOptions;
  readonly #backoff: Backoff;
  #tunnel: Tunnel | undefined;
  #state: ConnectorStatus["state"] = "connecting";
  #since: number;
  #accepted: Accepted | undefined;
  #error: FarsiteError | undefined;
  #stopped = false;
  #wait: { timer: Timer; done: () => void } | undefined;

  constructor(options: ConnectorOptions) {
    this.#options = options;
    this.#backoff = new Backoff(options.random);
    this.#since = options.clock.wall();
  }

  status(): ConnectorStatus {
    const { url, tenant, site } = this.#options.enrolled;
    const error = this.#error;
    return {
      state: this.#state,
      since: this.#since,
      url,
      tenant,
      site,
      carrier: this.#tunnel?.session.link?.kind,
      rtt: this.#tunnel?.session.rtt,
      streams: this.#tunnel?.mux.streams ?? 0,
      hubVersion: this.#accepted?.hubVersion,
      clockSkew: this.#accepted?.clockSkew,
      error: error && {
        code: error.code,
        message: error.message,
        ...(error.hint !== undefined && { hint: error.hint }),
      },
    };
  }

  /** Runs until `stop`. */
  async run(): Promise<void> {
    const { clock, log } = this.#options;
    while (!this.#stopped) {
      this.#enter("connecting");
      try {
        const { lost } = await this.#connect();
        // asked to stop while there was nothing yet that could be ended
        if (this.#stopped) return this.stop();
        const began = clock.now();
        this.#error = undefined;
        this.#enter("connected");
        log.info("connected", { hub: this.#options.enrolled.url, version: this.#accepted?.hubVersion });
        this.#error = await lost;
        this.#backoff.held(clock.now() - began);
        if (!this.#stopped)
          log.warn("connection lost", { code: this.#error.code, reason: this.#error.message });
      } catch (error) {
        const known = error instanceof FarsiteError ? error : new FarsiteError("E_INTERNAL", String(error));
        if (known.code !== this.#error?.code) {
          log.error(known.message, { code: known.code, do: known.hint });
        }
        this.#error = known;
      }
      if (!this.#stopped) await this.#pause();
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#tunnel?.session.end(new FarsiteError("E_SESSION_LOST", "the agent stops"));
    this.#wait?.timer.cancel();
    this.#wait?.done();
  }

  /** Makes one connection; `lost` tells of its end. */
  async #connect(): Promise<{ lost: Promise<FarsiteError> }> {
    const { enrolled, dial, ca, clock, random, timeout, log } = this.#options;
    const carrier = await dial({ url: enrolled.url, ca, clock, timeout });
    const present = this.#tunnel?.session.ended ? undefined : this.#tunnel?.session;
    const wanted = { session: present?.id ?? null, received: present?.received ?? 0 };
    const lost = Promise.withResolvers<FarsiteError>();
    const take = (answer: Attached, link: Link): void => {
      if (answer.resumed && present) {
        this.#onLost = lost.resolve;
        present.adopt(link, answer.received, answer.from);
        return;
      }
      present?.end(new FarsiteError("E_SESSION_LOST", "the hub no longer has the session"));
      this.#onLost = lost.resolve;
      this.#begin(answer.session, link);
    };
    const hubKey = Buffer.from(enrolled.hubKey, "base64");
    this.#accepted = await openSession(carrier, wanted, take, {
      identity: enrolled.identity,
      hubKey,
      clock,
      random,
      timeout,
    });
    if (Math.abs(this.#accepted.clockSkew) > SKEW_WARNING) {
      log.warn("this host's clock and the hub's differ", { ms: this.#accepted.clockSkew });
    }
    return { lost: lost.promise };
  }

  #onLost: (reason: FarsiteError) => void = () => {};

  #begin(id: Uint8Array, link: Link): void {
    const { services, clock, random, defer, session: limits, maxStreams } = this.#options;
    const tunnel = createTunnel({
      side: "agent",
      id,
      clock,
      random,
      defer,
      limits,
      maxStreams,
      handlers: {
        accept: (stream) => services.accept(stream),
        control: () => {},
        carrier: (now, reason) => {
          if (!now && reason) this.#onLost(reason);
        },
        end: (reason) => {
          if (this.#tunnel === tunnel) this.#onLost(reason);
        },
      },
    });
    this.#tunnel = tunnel;
    tunnel.session.adopt(link, 0, 0);
    tunnel.mux.sendControl(pack({ kind: "services", names: services.names }));
  }

  #enter(state: ConnectorStatus["state"]): void {
    this.#state = state;
    this.#since = this.#options.clock.wall();
  }

  #pause(): Promise<void> {
    this.#enter("waiting");
    const standing = this.#error !== undefined && STANDING.has(this.#error.code);
    const wait = this.#backoff.next() * (standing ? REFUSED_BACKOFF_FACTOR : 1);
    return new Promise((resolve) => {
      this.#wait = { timer: this.#options.clock.after(wait, resolve), done: resolve };
    });
  }
}
