/** Keys are renewed before they are too old: the agents', each over its session, and the hub's own. */
import type { Clock, Timer } from "../../common/clock.ts";
import { FarsiteError, reasonOf } from "../../common/errors.ts";
import type { KeysControl } from "../../common/handshake/index.ts";
import type { Log } from "../../common/log.ts";
import { Rate } from "../../common/rate.ts";
import type { AgentKeys, Registry, Site } from "../registry/index.ts";
import type { TunnelledSites } from "../tunnel/index.ts";
import type { HubKeys } from "./hub-keys.ts";

export interface KeyRenewalOptions {
  keys: HubKeys;
  agentKeys: Pick<AgentKeys, "propose">;
  registry: Pick<Registry, "sites" | "record">;
  sites: Pick<TunnelledSites, "tellKeys">;
  /** ms after which an agent's key is renewed; 0: only when somebody asks for it. */
  agentAge: number;
  /** The same for the hub's. */
  hubAge: number;
  /** ms for which agents may still come with the hub's former key. */
  overlap: number;
  clock: Clock;
  log: Log;
}

/** ms between two looks at how old keys are. */
const LOOK = 3_600_000;
/** Keys that one site may offer in a second, and at once after a pause: each is in the audit. More are not heard. */
const OFFERS_PER_SECOND = 1 / 60;
const OFFERS_AT_ONCE = 3;

export class KeyRenewal {
  readonly #options: KeyRenewalOptions;
  /** By the site's id. */
  readonly #offers = new Map<number, Rate>();
  #timer: Timer | undefined;
  #stopped = false;

  constructor(options: KeyRenewalOptions) {
    this.#options = options;
  }

  start(): void {
    void this.look();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  /** What an agent is told of keys at the start of its session. */
  greeting(site: Site): KeysControl {
    const renew = this.#isDue(site);
    return { kind: "keys", hub: this.#options.keys.current.publicKey.bytes, ...(renew && { renew }) };
  }

  /** An agent wants another key in the place of its present one. */
  async offered(site: Site, publicKey: Uint8Array): Promise<void> {
    const { agentKeys, sites, clock, log } = this.#options;
    const name = `${site.tenant}/${site.name}`;
    const rate = this.#offers.get(site.id) ?? new Rate(clock, OFFERS_PER_SECOND, OFFERS_AT_ONCE);
    this.#offers.set(site.id, rate);
    if (!rate.take()) return;
    try {
      await agentKeys.propose(site, publicKey, site.host ?? "");
      sites.tellKeys(site.id, { ...this.greeting(site), renew: false, taken: publicKey });
    } catch (error) {
      log.warn("an agent's new key was not taken", { site: name, reason: reasonOf(error) });
    }
  }

  /** Makes a new key of the hub's, and tells every agent that is connected. Throws E_EXISTS or E_STATE. */
  async rotate(): Promise<void> {
    const { keys, registry, sites, overlap, log } = this.#options;
    keys.rotate(overlap);
    log.info("the hub has a new key", { key: keys.current.publicKey.short });
    for (const site of await registry.sites()) sites.tellKeys(site.id, this.greeting(site));
  }

  /** Renews what is too old; and again from time to time. */
  async look(): Promise<void> {
    const { registry, sites, keys, hubAge, clock, log } = this.#options;
    try {
      if (hubAge > 0 && clock.wall() - keys.made >= hubAge) {
        await this.rotate();
        await registry.record("hub", "hub.key.rotate", "", `key ${keys.current.publicKey.short}`);
      }
      for (const site of await registry.sites()) {
        if (this.#isDue(site)) sites.tellKeys(site.id, this.greeting(site));
      }
    } catch (error) {
      const hint = error instanceof FarsiteError ? error.hint : undefined;
      log.warn("keys cannot be renewed", { reason: reasonOf(error), do: hint });
    }
    if (!this.#stopped) this.#timer = clock.after(LOOK, () => void this.look());
  }

  #isDue({ key, keySince = 0, renewKey }: Site): boolean {
    const { agentAge, clock } = this.#options;
    if (key === undefined) return false;
    return renewKey === true || (agentAge > 0 && clock.wall() - keySince >= agentAge);
  }
}
