/** COMMANDs at an endpoint of many sites: each must say which site it is for. */

import { headerValue, Refusal, type Request, requestBytes } from "../../../common/livestatus/index.ts";
import type { Peer } from "./peer.ts";

/** The site that a COMMAND names, or why it does not. */
export function commandPeer(request: Request, peers: readonly Peer[]): Peer | Refusal {
  const keys = (headerValue(request, "Backends") ?? "").split(/\s+/).filter((key) => key !== "");
  const [only] = peers;
  if (keys.length === 0 && peers.length === 1 && only) return only;
  if (keys.length !== 1) {
    return new Refusal(400, "a COMMAND must name one site: add a line such as Backends: SITE");
  }
  return peers.find(({ key }) => key === keys[0]) ?? new Refusal(400, "there is no site of that name here");
}

/** What goes to the core: the command alone, which the site's own endpoint would take as well. */
export function commandBytes(request: Request): Buffer {
  return requestBytes({ ...request, ended: "line" }, new Set(request.headers.map(({ name }) => name)));
}
