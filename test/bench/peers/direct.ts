/** Nothing in between: what the load and the machine can do. */
import type { Peer } from "./peer.ts";

export const direct: Peer = {
  name: "direct",
  async start(core) {
    return { target: { host: "127.0.0.1", port: core } };
  },
};
