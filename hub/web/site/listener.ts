/** The address of the web interface. */

import type { Server } from "bun";
import { FarsiteError, reasonOf } from "../../../common/errors.ts";
import { contains, type Network, parseIp, parseNetwork, shownAddress } from "../../../common/network.ts";
import type { WebConfig } from "../../config/index.ts";
import { peerOf } from "../../peer.ts";
import { type KeyedCertificate, RenewableServer } from "../../tls/index.ts";
import type { WebApp } from "./context.ts";

export interface WebListener {
  readonly port: number;
  /** Another certificate, for connections that begin from now on. */
  renew(tls: KeyedCertificate): Promise<void>;
  stop(): Promise<void>;
}

/** Of answers that are made before anybody is heard: a line of text, and nothing for a browser to make of it. */
const BARE = {
  "content-type": "text/plain; charset=utf-8",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "cache-control": "no-store",
};
/** Seconds in which nothing of a request or its answer moves before it is given up. */
const IDLE = 30;

/** Starts listening; without `tls` plain HTTP. Throws E_LISTEN. */
export function listenWeb(web: WebConfig, tls: KeyedCertificate | undefined, app: WebApp): WebListener {
  const networks = web.only_from?.map((text) => parseNetwork(text)).filter((each) => each !== undefined);
  return new RenewableServer(tls, web.port, (certificate: KeyedCertificate | undefined, port: number) =>
    serve(web, { networks, certificate, port, app }),
  );
}

interface ServeParts {
  networks: readonly Network[] | undefined;
  certificate: KeyedCertificate | undefined;
  port: number;
  app: WebApp;
}

function serve(web: WebConfig, { networks, certificate, port, app }: ServeParts): Server<undefined> {
  try {
    return Bun.serve({
      hostname: web.address,
      port,
      idleTimeout: IDLE,
      // the app refuses before, with an answer that says so
      maxRequestBodySize: web.largest_request_kib * 2048,
      ...(certificate && { tls: { cert: certificate.certificate, key: certificate.key } }),
      fetch(request, self) {
        const address = self.requestIP(request)?.address;
        const peer = shownAddress(peerOf(request, address, certificate === undefined));
        if (networks && !isAmong(networks, peer)) return bare("not from here", 403);
        const whole = URL.canParse(request.url) ? request : named(request);
        if (!whole) return bare("Host is malformed", 400);
        return app.fetch(whole, { peer, patience: (seconds: number) => self.timeout(request, seconds) });
      },
      error: () => bare("the hub had a fault", 500),
    });
  } catch (error) {
    throw new FarsiteError(
      "E_LISTEN",
      `the web interface cannot listen on ${web.address} port ${port}: ${reasonOf(error)}`,
      "See who has it with `ss -ltnp`, or set web.address and web.port in hub.toml.",
    );
  }
}

function bare(text: string, status: number): Response {
  return new Response(`${text}\n`, { status, headers: BARE });
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
