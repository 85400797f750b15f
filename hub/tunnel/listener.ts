/** The hub's public address: HTTP or HTTPS, where agents open their WebSocket, or send requests, at /tunnel. */

import type { Server } from "bun";
import type { Carrier } from "../../common/carrier/index.ts";
import type { Clock } from "../../common/clock.ts";
import { FarsiteError, reasonOf } from "../../common/errors.ts";
import type { Random } from "../../common/random.ts";
import { peerOf } from "../peer.ts";
import { RenewableServer, type TlsIdentity } from "../tls/index.ts";
import type { Admission } from "./admission.ts";
import { busy, HttpsCarriers } from "./https.ts";
import { type SocketData, socketHandlers } from "./websocket.ts";

export interface ListenerOptions {
  address: string;
  port: number;
  tls: TlsIdentity | undefined;
  clock: Clock;
  random: Random;
  admission: Admission;
  /** Takes a new carrier through its handshake; resolves when that is over. */
  welcome: (carrier: Carrier) => Promise<void>;
  /** Answers everything else. */
  fetch: (request: Request) => Response | Promise<Response>;
}

export interface Listener {
  readonly port: number;
  /** Another certificate, for connections that begin from now on; those that are there go on. */
  renew(tls: TlsIdentity): Promise<void>;
  stop(): Promise<void>;
}

export const TUNNEL_PATH = "/tunnel";

/** Seconds within which a request must be there whole. */
const REQUEST_SECONDS = 10;

/** Starts listening. Throws E_LISTEN. */
export function listen(options: ListenerOptions): Listener {
  const carriers = new HttpsCarriers(options);
  return new RenewableServer(options.tls, options.port, (tls: TlsIdentity | undefined, port: number) =>
    serve(options, carriers, port, tls),
  );
}

function serve(
  options: ListenerOptions,
  carriers: HttpsCarriers,
  port: number,
  tls: TlsIdentity | undefined,
): Server<SocketData> {
  const { admission } = options;
  try {
    return Bun.serve<SocketData>({
      hostname: options.address,
      port,
      idleTimeout: REQUEST_SECONDS,
      maxRequestBodySize: 1 << 20,
      ...(tls && { tls: { cert: tls.certificate, key: tls.key } }),
      fetch(request, self) {
        // what a Host that is none makes of it
        if (!URL.canParse(request.url)) return new Response("Host is malformed\n", { status: 400 });
        const { pathname } = new URL(request.url);
        if (pathname !== TUNNEL_PATH && !pathname.startsWith(`${TUNNEL_PATH}/`))
          return options.fetch(request);
        const peer = peerOf(request, self.requestIP(request)?.address, tls === undefined);
        if (pathname !== TUNNEL_PATH) {
          const allow = (seconds: number) => self.timeout(request, seconds);
          return carriers.answer(request, pathname, peer, allow) ?? options.fetch(request);
        }
        if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
          return new Response("Farsite agents connect here by WebSocket.\n", { status: 426 });
        }
        if (!admission.enter(peer)) return busy();
        if (self.upgrade(request, { data: { peer } })) return undefined;
        admission.leave(peer);
        return new Response("not a WebSocket request\n", { status: 400 });
      },
      websocket: socketHandlers((carrier) => {
        void options.welcome(carrier).finally(() => admission.leave(carrier.peer));
      }),
      error: () => new Response("the hub had a fault\n", { status: 500 }),
    });
  } catch (error) {
    throw new FarsiteError(
      "E_LISTEN",
      `the hub cannot listen on ${options.address} port ${port}: ${reasonOf(error)}`,
      "See who has it with `ss -ltnp`, or set listen.address and listen.port in hub.toml. " +
        "Ports under 1024 need the right to bind them (CAP_NET_BIND_SERVICE).",
    );
  }
}
