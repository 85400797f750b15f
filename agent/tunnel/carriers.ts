/** Chooses the kind of carrier: the best that gets through, and a better one again as soon as it does. */
import type { Carrier } from "../../common/carrier/index.ts";
import type { Clock } from "../../common/clock.ts";
import { FarsiteError } from "../../common/errors.ts";
import type { Log } from "../../common/log.ts";
import type { Random } from "../../common/random.ts";
import { CarrierBlocked } from "./blocked.ts";
import type { ReachTarget } from "./reach.ts";
import { WatchedCarrier } from "./watched.ts";
import type { DialCarrier } from "./websocket.ts";

export interface CarrierKind {
  /** For people, in a sentence: "WebSocket". */
  name: string;
  dial: DialCarrier;
}

export interface CarriersOptions {
  /** The better one, and, if there is a choice, one for lines on which that does not get through. */
  kinds: readonly [CarrierKind, CarrierKind?];
  clock: Clock;
  random: Random;
  log: Log;
  /** ms between two tries of the better kind while the other one serves. */
  retry: number;
}

/** ms until the first such try: what blocked it may have been a passing fault. */
const FIRST_RETRY = 60_000;
/** ms: a carrier that something else ends sooner than that is suspicious, ... */
const SHORT_LIFE = 10_000;
/** ... and when so many in a row have such a life, their kind is taken for blocked. */
const SHORT_LIVES = 3;

/** What is done with a new carrier until it is in service: a handshake. */
export type Opening<T> = (carrier: Carrier) => Promise<T>;

export class Carriers {
  readonly #options: CarriersOptions;
  #preferred: CarrierKind;
  /** Lives in a row, of carriers of the preferred kind, that were too short. */
  #shortLives = 0;
  #blocked: string | undefined;
  #retryAt = 0;

  constructor(options: CarriersOptions) {
    this.#options = options;
    this.#preferred = options.kinds[0];
  }

  /** Why the better kind of carrier is not used now, if it is not. */
  get blocked(): string | undefined {
    return this.#blocked;
  }

  /** ms until the better kind is worth another try; undefined when it is the one that is used. */
  get retryIn(): number | undefined {
    if (this.#blocked === undefined) return undefined;
    return Math.max(0, this.#retryAt - this.#options.clock.now());
  }

  /**
   * Opens a carrier and does `work` with it, such as the handshake: with the kind that got through last, or else
   * the other. `work` may run twice, but the second time only when nothing at all came over the first carrier.
   * Throws what the first try failed with, when neither gets through.
   */
  async open<T>(target: ReachTarget, work: Opening<T>): Promise<T> {
    const first = this.#preferred;
    const other = this.#otherThan(first);
    if (!other) return this.#try(first, target, work);
    try {
      return await this.#tryBriefly(first, target, work);
    } catch (error) {
      if (!(error instanceof CarrierBlocked)) throw error;
      const result = await this.#try(other, target, work).catch((failure: unknown) => {
        throw failure instanceof CarrierBlocked ? error : failure;
      });
      this.#prefer(other, `${first.name} does not get through: ${error.message}`);
      return result;
    }
  }

  /** As `open`, with the better kind alone, while the other one serves. */
  async openBetter<T>(target: ReachTarget, work: Opening<T>): Promise<T> {
    const [better] = this.#options.kinds;
    // counts from now, whatever comes of it: one that gets through may be cut again at once
    this.#scheduleRetry(this.#options.retry);
    const result = await this.#tryBriefly(better, target, work);
    this.#prefer(better, `${better.name} gets through again`);
    return result;
  }

  /** Where there is another kind to turn to, that must come in time for whoever waits for this one. */
  #tryBriefly<T>(kind: CarrierKind, { url, timeout }: ReachTarget, work: Opening<T>): Promise<T> {
    return this.#try(kind, { url, timeout: timeout / 2 }, work, timeout / 2);
  }

  /**
   * Throws CarrierBlocked when another kind may get through.
   * @param patience ms to wait for the first that comes over the carrier; undefined: `work` has a limit of its own
   */
  async #try<T>(kind: CarrierKind, target: ReachTarget, work: Opening<T>, patience?: number): Promise<T> {
    const inner = await kind.dial(target);
    const carrier = new WatchedCarrier(inner, this.#options.clock, patience, (lived) =>
      this.#ended(kind, lived),
    );
    try {
      return await work(carrier);
    } catch (error) {
      if (carrier.silent) throw new CarrierBlocked(silentHandshake(patience ?? target.timeout));
      throw carrier.heard || !(error instanceof FarsiteError) ? error : new CarrierBlocked(error);
    }
  }

  #ended(kind: CarrierKind, lived: number): void {
    if (kind !== this.#preferred) return;
    this.#shortLives = lived < SHORT_LIFE ? this.#shortLives + 1 : 0;
    const other = this.#otherThan(kind);
    if (other && this.#shortLives >= SHORT_LIVES) {
      this.#prefer(other, `${kind.name} is cut again and again within ${SHORT_LIFE / 1000} s`);
    }
  }

  #prefer(kind: CarrierKind, why: string): void {
    const { kinds, retry, log } = this.#options;
    const better = kind === kinds[0];
    log.warn(`carriers are ${kind.name} from now on`, { reason: why });
    this.#preferred = kind;
    this.#blocked = better ? undefined : why;
    // one that had been given up has to hold before it is trusted again
    this.#shortLives = better ? SHORT_LIVES - 1 : 0;
    if (!better) this.#scheduleRetry(Math.min(FIRST_RETRY, retry));
  }

  #scheduleRetry(ms: number): void {
    const { clock, random } = this.#options;
    this.#retryAt = clock.now() + ms * (0.8 + 0.4 * random.unit());
  }

  #otherThan(kind: CarrierKind): CarrierKind | undefined {
    return this.#options.kinds.find((each) => each !== kind);
  }
}

function silentHandshake(ms: number): FarsiteError {
  return new FarsiteError("E_HANDSHAKE_TIMEOUT", `the handshake did not finish in ${ms / 1000} s`);
}
