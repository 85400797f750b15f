/** TLS to a core: for targets that are a site's own Livestatus port with TLS. */
import type { Socket } from "node:net";
import { connect } from "node:tls";

/**
 * Puts TLS on a connection to a core, without looking at its certificate: what is asked is no secret, what is
 * answered changes nothing but the state that is shown, and whose certificate a site has to have is between
 * the site and the central site, whose own TLS passes through the tunnel untouched.
 */
export function secure(socket: Socket): Socket {
  return connect({ socket, rejectUnauthorized: false });
}
