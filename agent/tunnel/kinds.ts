/** The kinds of carrier that the configuration leaves to choose from. */
import type { Clock } from "../../common/clock.ts";
import type { Log } from "../../common/log.ts";
import type { Random } from "../../common/random.ts";
import type { AgentConfig } from "../config.ts";
import { type CarrierKind, Carriers } from "./carriers.ts";
import type { Reach } from "./reach.ts";
import { webSocketDialer } from "./websocket.ts";

export interface KindsOptions {
  /** Authorities (PEM) trusted instead of the system's. */
  ca: string[] | undefined;
  /** Opens connections over which HTTP can be spoken. */
  reach: Reach;
  /** Whether a WebSocket may make its own connection, straight to the hub: that is a third faster. */
  native: (url: string) => boolean;
  clock: Clock;
  random: Random;
  log: Log;
}

/** The kinds that `[carrier]` of agent.toml leaves, the better one first. */
export function kindsOf(
  { kind }: Pick<AgentConfig["carrier"], "kind">,
  { ca, reach, native, clock }: Omit<KindsOptions, "random" | "log">,
): readonly [CarrierKind, CarrierKind?] {
  const webSocket: CarrierKind = { name: "WebSocket", dial: webSocketDialer({ ca, clock, reach, native }) };
  const https: CarrierKind = {
    name: "HTTPS",
    // loaded when it is needed, which most agents never do: an HTTP client is a MiB of memory
    dial: async (target) => (await import("./https.ts")).httpsDialer({ reach, clock })(target),
  };
  return { auto: [webSocket, https] as const, websocket: [webSocket] as const, https: [https] as const }[
    kind
  ];
}

/** Carriers as `[carrier]` of agent.toml asks for them. */
export function carriersOf(settings: AgentConfig["carrier"], options: KindsOptions): Carriers {
  const { clock, random, log } = options;
  return new Carriers({
    kinds: kindsOf(settings, options),
    clock,
    random,
    log,
    retry: settings.websocket_retry_seconds * 1000,
  });
}
