/** Keeps the agent connected: dials, authenticates, goes on with the session, and replaces carriers. */
import type { Carrier } from "../../common/carrier/index.ts";
import type { Clock } from "../../common/clock.ts";
import { FarsiteError, reasonOf } from "../../common/errors.ts";
import type { Attached } from "../../common/handshake/index.ts";
import type { Priority, Stream } from "../../common/mux/index.ts";
import type { Random } from "../../common/random.ts";
import type { Link, Session, SessionLimits } from "../../common/session/index.ts";
import { createTunnel, type Tunnel } from "../../common/tunnel.ts";
import { VERSION } from "../../common/version.ts";
import type { Credentials } from "../keys/index.ts";
import { type RouteView, routeText } from "../route/index.ts";
import type { Services } from "../service/index.ts";
import type { Enrolled } from "../state.ts";
import { hastyTimeout } from "./backoff.ts";
import type { Carriers } from "./carriers.ts";
import { withAdvice } from "./failure.ts";
import { type Accepted, openSession } from "./handshake.ts";
import { hopOf } from "./hop.ts";
import { Pauses } from "./pauses.ts";
import { ReleaseNotice } from "./release-notice.ts";
import { Renewal } from "./renewal.ts";
import { type ConnectorStatus, failureOf } from "./status.ts";
import { Talk, type TalkOptions } from "./talk.ts";

/** The way to the hub. */
export interface Way {
  /** The hub's addresses, in the order in which they are tried. */
  urls: readonly string[];
  carriers: Pick<Carriers, "open" | "openBetter" | "retryIn" | "blocked">;
  /** The route to each of the hub's addresses, for people. */
  route: (url: string) => RouteView;
  /** ms after which a carrier is replaced while it still serves. */
  maxAge: number | undefined;
}

export interface ConnectorOptions extends Way, TalkOptions {
  enrolled: Pick<Enrolled, "url" | "tenant" | "site">;
  services: Services;
  /** ms after the loss of a carrier for which streams to the hub wait for the next one. Default 0. */
  hold?: number;
  clock: Clock;
  random: Random;
  defer: (run: () => void) => void;
  session: Partial<SessionLimits>;
  maxStreams: number;
  /** ms for connection and handshake. */
  timeout: number;
  /** This host's addresses, in a form that is equal when they are. */
  network: () => string;
}

/** Clocks that differ by more, in ms, are worth a warning: Livestatus shifts its times by half hours. */
const SKEW_WARNING = 60_000;

/** ms over which agents come with a new key of the hub's, which it tells all of them at once. */
const HUB_KEY_SPREAD = 60_000;

/** A connection that was made; tells of its end. */
interface Connection {
  lost: Promise<FarsiteError>;
}

type Outcome = { lost: FarsiteError } | { renew: string } | { replaced: Connection };

export class Connector {
  #options: ConnectorOptions;
  readonly #pauses: Pauses;
  readonly #renewal: Renewal;
  readonly #talk: Talk;
  #tunnel: Tunnel | undefined;
  #state: ConnectorStatus["state"] = "connecting";
  #since: number;
  #url: string;
  #accepted: Accepted | undefined;
  #error: FarsiteError | undefined;
  #lastError: { error: FarsiteError; at: number } | undefined;
  #stopped = false;
  #onLost: (reason: FarsiteError) => void = () => {};
  /** Tries that failed one after the other. */
  #failed = 0;
  /** The handshake on another carrier is under way. */
  #attaching = false;
  /** When the carrier was lost, on the clock that never jumps; undefined while there is one. */
  #lostAt: number | undefined;
  readonly #releases: ReleaseNotice;
  /** The hub did not take what it was tried with, and there is something else. */
  #tryOthers = false;

  constructor(options: ConnectorOptions) {
    this.#options = options;
    this.#pauses = new Pauses(options);
    this.#renewal = new Renewal(options);
    this.#talk = new Talk(options, {
      // coming with it tells the hub that the former one is needed here no more
      hubKey: () => this.#renewal.askWithin(HUB_KEY_SPREAD, "the hub has another key"),
      ownKey: () => this.#renewal.ask("this agent has a new key"),
    });
    this.#releases = new ReleaseNotice(VERSION, options.log);
    this.#since = options.clock.wall();
    this.#url = options.urls[0] ?? options.enrolled.url;
  }

  status(): ConnectorStatus {
    const { tenant, site } = this.#options.enrolled;
    const [error, last] = [this.#error, this.#lastError];
    return {
      state: this.#state,
      since: this.#since,
      url: this.#url,
      route: this.#options.route(this.#url),
      tenant,
      site,
      carrier: this.#tunnel?.session.link?.kind,
      blocked: this.#options.carriers.blocked,
      rtt: this.#tunnel?.session.rtt,
      streams: this.#tunnel?.mux.streams ?? 0,
      key: this.#options.keys.identity.publicKey.short,
      hubVersion: this.#accepted?.hubVersion,
      clockSkew: this.#accepted?.clockSkew,
      error: error && failureOf(error),
      lastError: last && { ...failureOf(last.error), at: last.at },
    };
  }

  /** Runs until `stop`. */
  async run(): Promise<void> {
    const { clock, log } = this.#options;
    let began = 0;
    let ready: Connection | undefined;
    while (!this.#stopped) {
      if (!this.#tunnel?.session.link) this.#enter("connecting");
      let wait: number;
      try {
        const { lost } = ready ?? (await this.#connectAnywhere());
        ready = undefined;
        this.#failed = 0;
        // asked to stop while there was nothing yet that could be ended
        if (this.#stopped) return this.stop();
        this.#error = undefined;
        const replaced = this.#state === "connected";
        if (!replaced) {
          this.#enter("connected");
          began = clock.now();
        }
        log.info(replaced ? "carrier replaced" : "connected", {
          hub: this.#url,
          route: routeText(this.#options.route(this.#url)),
          carrier: this.#tunnel?.session.link?.kind,
          version: this.#accepted?.hubVersion,
        });
        const outcome = await this.#serve(lost);
        if ("replaced" in outcome) {
          ready = outcome.replaced;
          continue;
        }
        if ("renew" in outcome) {
          log.info("carrier is to be replaced", { reason: outcome.renew });
          continue;
        }
        const { code, message, hint } = this.#fail(outcome.lost);
        if (!this.#stopped) log.warn("connection lost", { code, reason: message, do: hint });
        wait = this.#pauses.afterLoss(clock.now() - began, code);
      } catch (error) {
        this.#failed++;
        wait = this.#waitAfterFailure(error);
      }
      if (!this.#stopped) await this.#pause(wait);
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#renewal.stop();
    this.#tunnel?.session.end(new FarsiteError("E_SESSION_LOST", "the agent stops"));
    this.#lose(new FarsiteError("E_SESSION_LOST", "the agent stops"));
  }

  /** Tells the hub how the core is, if that has changed. */
  tellCore(): void {
    this.#talk.core();
  }

  /**
   * Opens a stream to a line of the central side, or to the hub's inbox; undefined when there is no way to the hub. While the carrier is
   * being replaced the stream waits for the next one.
   */
  open(line: string, priority: Priority): Stream | undefined {
    const { clock, hold = 0 } = this.#options;
    const away = this.#lostAt === undefined ? 0 : clock.now() - this.#lostAt;
    return this.#session && away <= hold ? this.#tunnel?.mux.open(line, priority) : undefined;
  }

  /**
   * Makes a new key for this agent, and asks the hub to take it in the place of the present one; false when there is
   * no way to the hub now. Throws E_STATE when the key cannot be kept.
   */
  renewKey(): boolean {
    return this.#talk.key();
  }

  /** Another way to the hub: it is tried at once, while the carrier that is there serves on. */
  reroute(way: Way): void {
    this.#options = { ...this.#options, ...way };
    this.#renewal.maxAge = way.maxAge;
    this.#renewal.ask("the way to the hub was changed");
    this.#pauses.end();
  }

  /** Tells the hub what may be asked of this side, and what is listened for; again when that has changed. */
  tellServices(): void {
    this.#talk.services();
  }

  /** Tells the hub that this agent is about to stop: it should ask nothing new. */
  tellStopping(): void {
    this.#talk.stopping();
  }

  /** The carrier in service is gone, or the session: whatever is waited for, it is time to act. */
  #lose(reason: FarsiteError): void {
    // also while another carrier is dialled; once that speaks with the hub, its end is how the hub takes it
    if (this.#state === "connected" && !this.#attaching) this.#enter("connecting");
    this.#onLost(reason);
    this.#pauses.end();
  }

  /** Waits until the carrier is lost, or is to be replaced; or has been, by one of a better kind. */
  async #serve(lost: Promise<FarsiteError>): Promise<Outcome> {
    const ends: Promise<Outcome>[] = [
      lost.then((reason) => ({ lost: reason })),
      this.#renewal.due().then((why) => ({ renew: why })),
    ];
    for (;;) {
      const retry = this.#retryDue();
      const outcome = await Promise.race([...ends, retry.due]);
      retry.cancel();
      const replaced = outcome ? undefined : await this.#connectBetter();
      const decided = outcome ?? (replaced && { replaced });
      if (!decided) continue;
      this.#renewal.stop();
      return decided;
    }
  }

  /** When a better kind of carrier is worth a try. */
  #retryDue(): { due: Promise<undefined>; cancel(): void } {
    const { clock, carriers } = this.#options;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const timer =
      carriers.retryIn === undefined ? undefined : clock.after(carriers.retryIn, () => resolve(undefined));
    return { due: promise, cancel: () => timer?.cancel() };
  }

  /** Tries a better kind of carrier, while the present one serves; undefined when it still does not get through. */
  async #connectBetter(): Promise<Connection | undefined> {
    try {
      return await this.#connect(this.#url, "openBetter");
    } catch (error) {
      this.#options.log.debug("the better carrier still does not get through", { reason: reasonOf(error) });
      return undefined;
    }
  }

  #waitAfterFailure(error: unknown): number {
    const before = this.#error?.code;
    const known = this.#fail(error);
    if (this.#tryOthers) {
      this.#tryOthers = false;
      return 0;
    }
    if (known.code !== before) {
      this.#options.log.error(known.message, { code: known.code, hop: hopOf(known.code), do: known.hint });
    }
    return this.#pauses.afterFailure(known.code, this.#session !== undefined && !this.#session.link);
  }

  /** The session that is to go on. */
  get #session(): Session | undefined {
    return this.#tunnel?.session.ended ? undefined : this.#tunnel?.session;
  }

  /** ms for the next connection, and again for its handshake. */
  get #timeout(): number {
    const { timeout } = this.#options;
    return this.#session ? hastyTimeout(this.#failed, timeout) : timeout;
  }

  /** Keeps a failure for those who ask, with advice on what to do. */
  #fail(thrown: unknown): FarsiteError {
    const error = withAdvice(thrown);
    this.#error = error;
    this.#lastError = { error, at: this.#options.clock.wall() };
    return error;
  }

  /** Tries the hub's addresses in order; throws what the last one failed with. */
  async #connectAnywhere(): Promise<Connection> {
    let failure: unknown;
    for (const url of this.#options.urls) {
      try {
        return await this.#connect(url, "open");
      } catch (error) {
        failure = error;
        if (this.#stopped) break;
      }
    }
    throw failure;
  }

  /** Makes one connection, whose carrier then serves. */
  async #connect(url: string, how: "open" | "openBetter"): Promise<Connection> {
    const { carriers, log } = this.#options;
    const timeout = this.#timeout;
    const lost = Promise.withResolvers<FarsiteError>();
    this.#accepted = await carriers[how]({ url, timeout }, (carrier) => this.#attach(carrier, timeout, lost));
    this.#url = url;
    if (this.#stopped) this.#tunnel?.session.end(new FarsiteError("E_SESSION_LOST", "the agent stops"));
    this.#releases.note(this.#accepted.hubVersion);
    if (Math.abs(this.#accepted.clockSkew) > SKEW_WARNING) {
      log.warn("this host's clock and the hub's differ", { ms: this.#accepted.clockSkew });
    }
    return { lost: lost.promise };
  }

  /** The handshake on a new carrier, which goes on with the session that is there. */
  async #attach(
    carrier: Carrier,
    timeout: number,
    lost: PromiseWithResolvers<FarsiteError>,
  ): Promise<Accepted> {
    const { keys, clock, random } = this.#options;
    const present = this.#session;
    const wanted = { session: present?.id ?? null, received: present?.received ?? 0 };
    const take = (answer: Attached, link: Link): void => {
      if (answer.resumed && present && !present.ended) {
        this.#onLost = lost.resolve;
        present.adopt(link, answer.received, answer.from);
        return;
      }
      present?.end(new FarsiteError("E_SESSION_LOST", "the hub no longer has the session"));
      this.#onLost = lost.resolve;
      this.#begin(answer.session, link);
    };
    const { credentials } = keys;
    this.#attaching = true;
    try {
      const accepted = await openSession(carrier, wanted, take, { ...credentials, clock, random, timeout });
      this.#proved(credentials);
      return accepted;
    } catch (error) {
      if (error instanceof FarsiteError) this.#tryOthers = keys.failed(credentials, error.code);
      throw error;
    } finally {
      this.#attaching = false;
      if (this.#state === "connected" && !this.#tunnel?.session.link) this.#enter("connecting");
    }
  }

  #proved(credentials: Credentials): void {
    const { keys, log } = this.#options;
    const before = keys.identity;
    try {
      keys.proved(credentials);
    } catch (error) {
      // it is on disk as the next one, and is found there
      log.warn("the agent's new key cannot be put in its place", { reason: reasonOf(error) });
    }
    if (keys.identity !== before)
      log.info("this agent's key was renewed", { key: keys.identity.publicKey.short });
  }

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
        control: (body) => this.#talk.heard(body),
        carrier: (now, reason) => {
          if (this.#tunnel === tunnel) this.#lostAt = now ? undefined : clock.now();
          if (!now && reason) this.#lose(reason);
          else if (this.#tunnel === tunnel) this.#talk.core();
        },
        goAway: (ms) => {
          if (ms === 0) this.#renewal.ask("the hub asks for it");
          else this.#pauses.comeBackIn(ms);
        },
        end: (reason) => {
          if (this.#tunnel === tunnel) this.#lose(reason);
        },
      },
    });
    this.#tunnel = tunnel;
    this.#lostAt = undefined;
    this.#talk.begin(tunnel);
    tunnel.session.adopt(link, 0, 0);
  }

  #enter(state: ConnectorStatus["state"]): void {
    this.#state = state;
    this.#since = this.#options.clock.wall();
  }

  /** Waits between two tries; while a carrier still serves, its loss ends the wait. */
  #pause(ms: number): Promise<void> {
    if (!this.#tunnel?.session.link) this.#enter("waiting");
    return this.#pauses.wait(ms);
  }
}
