/** The address of the web interface. */

import type { Server } from "bun";
import { FarsiteError, reasonOf } from "../../../common/errors.ts";
import { contains, type Network, parseIp, parseNetwork, shownAddress } from "../../../common/network.ts";
import type { KeyedCertificate } from "../../certificate.ts";
import { peerOf } from "../../peer.ts";
import type { WebConfig } from "../../web-config.ts";
import type { WebApp } from "./context.ts";

export interface WebListener {
  readonly port: number;
  stop(): Promise<void>;
}

/** Seconds in which nothing of a request or its answer moves before it is given up. */
const IDLE = 30;

/** Starts listening; without `tls` plain HTTP. Throws E_LISTEN. */
export function listenWeb(web: WebConfig, tls: KeyedCertificate | undefined, app: WebApp): WebListener {
  const networks = web.only_from?.map((text) => parseNetwork(text)).filter((each) => each !== undefined);
  let server: Server<undefined>;
  try {
    server = Bun.serve({
      hostname: web.address,
      port: web.port,
      idleTimeout: IDLE,
      // the app refuses before, with an answer that says so
      maxRequestBodySize: web.largest_request_kib * 2048,
      ...(tls && { tls: { cert: tls.certificate, key: tls.key } }),
      fetch(request, self) {
        const peer = shownAddress(peerOf(request, self.requestIP(request)?.address, tls === undefined));
        if (networks && !isAmong(networks, peer)) return new Response("not from here\n", { status: 403 });
        const whole = URL.canParse(request.url) ? request : named(request);
        if (!whole) return new Response("Host is malformed\n", { status: 400 });
        return app.fetch(whole, { peer, patience: (seconds: number) => self.timeout(request, seconds) });
      },
      error: () => new Response("the hub had a fault\n", { status: 500 }),
    });
  } catch (error) {
    throw new FarsiteError(
      "E_LISTEN",
      `the web interface cannot listen on ${web.address} port ${web.port}: ${reasonOf(error)}`,
      "See who has it with `ss -ltnp`, or set web.address and web.port in hub.toml.",
    );
  }
  return { port: server.port ?? web.port, stop: () => server.stop(true) };
}

/** One without Host, as HTTP/1.0 has it and some that look after services: for a name that is nobody's. */
function named(request: Request): Request | undefined {
  const url = `https://unnamed.invalid${request.url}`;
  return request.url.startsWith("/") && URL.canParse(url) ? new Request(url, request) : undefined;
}

function isAmong(networks: readonly Network[], peer: string): boolean {
  const address = parseIp(peer);
  return address !== undefined && networks.some((network) => contains(network, address));
}
