/** Opens a TCP connection, within a limit of time, and tells the name from the connection when it fails. */
import { connect, isIP, type Socket } from "node:net";
import type { FarsiteError } from "../../common/errors.ts";
import { type Limit, step, type Trouble } from "./step.ts";

export interface Address {
  /** A name, or an IP address without brackets. */
  host: string;
  port: number;
}

/** @param failed the error for a connection that was not made; `naming`: the name was still being resolved */
export function openTcp(
  { host, port }: Address,
  limit: Limit,
  failed: (trouble: Trouble, naming: boolean) => FarsiteError,
): Promise<Socket> {
  const socket = connect({ host, port });
  let naming = isIP(host) === 0;
  socket.once("lookup", (error) => {
    naming = error !== null && error !== undefined;
  });
  return step(
    socket,
    limit,
    (trouble) => failed(trouble, naming && trouble.code === "ETIMEDOUT"),
    (done) => {
      const onConnect = () => {
        socket.setNoDelay(true);
        done(socket);
      };
      socket.once("connect", onConnect);
      return () => socket.off("connect", onConnect);
    },
  );
}

/** Host and port of a URL, with the port that its scheme has. */
export function addressOf(url: string): Address {
  const { protocol, hostname, port } = new URL(url);
  const secure = protocol === "wss:" || protocol === "https:";
  return { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port || (secure ? 443 : 80)) };
}

/** As it stands in a request: HOST:PORT, an IPv6 address in brackets (RFC 9112, section 3.2.3). */
export function authority({ host, port }: Address): string {
  return `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
}
