/** Nothing in between: what the load and the machine can do. */
import type { Peer } from "./peer.ts";

export const direct: Peer = {
  name: "direct",
  async start({ core, hub }) {
    const target = { ...core, within: hub.within };
    return { target, bulk: target };
  },
};
