/** Whether an address of `[listen]` could be listened at now: for when no agent runs that does. */
import { createSocket } from "node:dgram";
import { createServer } from "node:net";
import type { Address } from "../../common/address.ts";
import { type Finding, ok } from "./finding.ts";
import { WHO_LISTENS } from "./running.ts";

/** Listens and stops again. Nothing is tried at Unix sockets: that would change files. */
export async function listenFinding(line: string, text: string, address: Address): Promise<Finding> {
  const what = `${line} at ${text}`;
  if (address.kind === "unix") return ok("listener", `${what}, once the agent runs`);
  const reason = await (address.kind === "tcp" ? tryTcp : tryUdp)(address.host, address.port);
  if (reason === undefined) return ok("listener", `${what} is free`);
  const says = `${what}: ${reason}`;
  return { step: "listener", state: "problem", says, code: "E_LISTEN", do: WHO_LISTENS, owner: "host" };
}

type Reason = string | undefined;

function tryTcp(host: string, port: number): Promise<Reason> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

function tryUdp(host: string, port: number): Promise<Reason> {
  return new Promise((resolve) => {
    const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
    socket.once("error", (error: NodeJS.ErrnoException) => {
      socket.close();
      resolve(error.code ?? error.message);
    });
    socket.bind(port, host, () => socket.close(() => resolve(undefined)));
  });
}
