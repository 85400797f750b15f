/** Begins TLS on a socket that is there. */
import { isIP, type Socket } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import type { FarsiteError } from "../../common/errors.ts";
import { type Limit, step, type Trouble } from "./step.ts";

export interface TlsPeer {
  /** The name or IP address that the certificate must be for. */
  host: string;
  /** Authorities (PEM) trusted instead of the system's. */
  ca: string[] | undefined;
  /** False only to look at a certificate: over such a connection nothing may be sent. Default true. */
  verify?: boolean;
}

/** @param failed the error for TLS that did not come about; `tls` may know the certificate that was presented */
export function startTls(
  socket: Socket,
  { host, ca, verify = true }: TlsPeer,
  limit: Limit,
  failed: (trouble: Trouble, tls: TLSSocket) => FarsiteError,
): Promise<TLSSocket> {
  const tls = connect({
    socket,
    host,
    ...(!isIP(host) && { servername: host }),
    ...(ca && { ca }),
    rejectUnauthorized: verify,
  });
  tls.once("close", () => socket.destroy());
  return step(
    tls,
    limit,
    (trouble) => failed(trouble, tls),
    (done) => {
      const onSecure = () => done(tls);
      tls.once("secureConnect", onSecure);
      return () => tls.off("secureConnect", onSecure);
    },
  );
}
