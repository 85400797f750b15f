/** What the hub keeps for good: the registry, keys, and the audit. */
import { join } from "node:path";
import { loadToml } from "../../common/config/index.ts";
import { systemDisk } from "../../common/disk.ts";
import type { HubKeys } from "../keys/index.ts";
import {
  type Actor,
  AgentKeys,
  AuditRetention,
  AuditWriter,
  CentralConnections,
  Enrolment,
  noteConfiguration,
  openStore,
  openTrail,
  parsePool,
  Registry,
  type Store,
} from "../registry/index.ts";
import { DAY, type Ground } from "./ground.ts";
import { retentionOf } from "./live.ts";

/** In the state directory. */
export const REGISTRY_FILE = "registry.sqlite";

export interface Records {
  store: Store;
  registry: Registry;
  keys: HubKeys;
  agentKeys: AgentKeys;
  enrolment: Enrolment;
  connections: CentralConnections;
  recorder: AuditWriter;
  retention: AuditRetention;
  /** Writes into the audit what hub.toml says now that it did not say before. */
  noteConfiguration(actor?: Actor | string): Promise<void>;
  close(): Promise<void>;
}

/** Throws E_STATE. */
export async function openRecords(
  { places, config, clock, random, log }: Ground,
  keys: HubKeys,
): Promise<Records> {
  const { stateDir } = places;
  const wall = () => clock.wall();
  const store = await openStore(`sqlite:${join(stateDir, REGISTRY_FILE)}`);
  const trail = await openTrail({ store, stateDir, disk: systemDisk, random, log, wall });
  const pool = parsePool(config.endpoints.pool);
  const keyLife = config.keys.agent_expire_days * DAY || undefined;
  const registry = new Registry({ store, pool, wall, keyLife });
  return {
    store,
    registry,
    keys,
    agentKeys: new AgentKeys({ store, registry, wall }),
    enrolment: new Enrolment(store, registry, random, wall),
    connections: new CentralConnections(store, registry, wall),
    recorder: new AuditWriter(registry, log),
    retention: new AuditRetention({ store, clock, log, ...retentionOf(config) }),
    noteConfiguration: (actor) => noteConfiguration(store, wall(), loadToml(places.config), actor),
    close: async () => {
      await store.close();
      await trail.settled();
    },
  };
}
