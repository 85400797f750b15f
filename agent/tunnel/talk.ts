/** What agent and hub tell each other beside all streams: services, how the core is, keys, that the agent stops. */
import type { CoreReport } from "../../common/core.ts";
import { reasonOf } from "../../common/errors.ts";
import { controlKind, keysControl, type Listens } from "../../common/handshake/index.ts";
import type { Log } from "../../common/log.ts";
import { pack, unpack } from "../../common/msgpack.ts";
import type { Tunnel } from "../../common/tunnel.ts";
import type { Keys } from "../keys/index.ts";
import type { Services } from "../service/index.ts";

export interface TalkOptions {
  keys: Keys;
  services: Pick<Services, "names" | "pushOnly">;
  /** What is listened for at this side, to be carried to the central one. Default: nothing. */
  listens?: () => Listens;
  /** How the core is, if there is one and it was asked; another object when it has changed. */
  core: () => CoreReport | undefined;
  log: Log;
}

export interface TalkEvents {
  /** The hub has another key from now on. */
  hubKey: () => void;
  /** The agent comes with another key from now on. */
  ownKey: () => void;
}

export class Talk {
  readonly #options: TalkOptions;
  readonly #events: TalkEvents;
  #tunnel: Tunnel | undefined;
  /** What the hub was told of the core in this session. */
  #told: CoreReport | undefined;
  #stopping = false;

  constructor(options: TalkOptions, events: TalkEvents) {
    this.#options = options;
    this.#events = events;
  }

  /** A session begins, whose hub knows nothing yet. */
  begin(tunnel: Tunnel): void {
    this.#tunnel = tunnel;
    this.#told = undefined;
    this.services();
    if (this.#stopping) this.stopping();
  }

  /** What may be asked of this side, and what is listened for; again when that has changed. */
  services(): void {
    const { services, listens } = this.#options;
    const { names, pushOnly } = services;
    this.#tunnel?.mux.sendControl(
      pack({ kind: "services", names, listens: listens?.() ?? {}, ...(pushOnly && { pushOnly }) }),
    );
  }

  /** How the core is, if that has changed. While there is no carrier nothing is queued: the next one begins with what is true then. */
  core(): void {
    const report = this.#options.core();
    if (!this.#tunnel?.session.link || !report || report === this.#told) return;
    this.#told = report;
    this.#tunnel.mux.sendControl(pack(report));
  }

  /** Makes a new key, and asks the hub to take it; false when there is no way to it now. Throws E_STATE. */
  key(): boolean {
    if (!this.#tunnel?.session.link) return false;
    const next = this.#options.keys.makeNext();
    this.#tunnel.mux.sendControl(pack({ kind: "key", next: next.publicKey.bytes }));
    return true;
  }

  /** The agent is about to stop. An older hub does not listen to it. */
  stopping(): void {
    this.#stopping = true;
    this.#tunnel?.mux.sendControl(pack({ kind: "stopping" }));
  }

  /** What the hub says of keys; other kinds of control messages are for newer agents. Throws when it is not as agreed. */
  heard(body: Buffer): void {
    if (unpack(controlKind, body, "a control message").kind !== "keys") return;
    const { keys, log } = this.#options;
    const { hub, renew, taken } = unpack(keysControl, body, "the hub's keys");
    try {
      if (keys.learnHubKey(hub)) {
        log.info("the hub has another key from now on");
        this.#events.hubKey();
      }
      if (taken && keys.taken(taken)) this.#events.ownKey();
      if (renew) this.key();
    } catch (error) {
      // what is there stays good; the hub says it again in the next session
      log.warn("a key cannot be kept", { reason: reasonOf(error) });
    }
  }
}
