/** From which address a request comes. */

import { isIP } from "node:net";

/**
 * Behind a reverse proxy on this host the last address it noted is the client's; from elsewhere it is hearsay.
 * @param socketAddress the other end of the connection
 * @param proxied whether there is a reverse proxy
 */
export function peerOf(request: Request, socketAddress: string | undefined, proxied: boolean): string {
  const forwarded = proxied ? request.headers.get("x-forwarded-for")?.split(",").at(-1)?.trim() : undefined;
  return forwarded && isIP(forwarded) ? forwarded : (socketAddress ?? "unknown");
}
