/** What a hub has to renew keys with. */
import { join } from "node:path";
import { writeIdentity } from "../../../common/identity.ts";
import { systemRandom } from "../../../common/random.ts";
import { HubKeys, KeyRenewal, type KeyRenewalOptions } from "../../../hub/keys/index.ts";
import type { AgentKeys } from "../../../hub/registry/index.ts";
import { HOUR, type World } from "../handshake/rig.ts";

export interface KeyParts {
  keys: HubKeys;
  agentKeys: AgentKeys;
  renewal: KeyRenewal;
}

/** With the world's own key, in `directory`; nothing is renewed by itself unless `change` says so. */
export function keyParts(world: World, directory: string, change: Partial<KeyRenewalOptions> = {}): KeyParts {
  const { clock, registry, agentKeys, sites, log } = world;
  writeIdentity(join(directory, "hub.key"), world.identity);
  const keys = new HubKeys({ directory, random: systemRandom, wall: () => clock.wall() });
  const limits = { agentAge: 0, hubAge: 0, overlap: HOUR };
  const renewal = new KeyRenewal({ keys, agentKeys, registry, sites, ...limits, clock, log, ...change });
  return { keys, agentKeys, renewal };
}
