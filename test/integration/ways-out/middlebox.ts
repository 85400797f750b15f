/** What stands in a network between an agent and its hub, and does not leave the connection alone. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { connect as connectTls, createServer as createTlsServer } from "node:tls";
import type { CertificateFiles } from "../../e2e/certificates.ts";
import type { Cleanup } from "../../lab/cleanup.ts";
import { type LabProcess, launch } from "../../lab/process.ts";

type Serve = (socket: Socket) => void;

export interface Box {
  port: number;
  /** Connections taken so far. */
  readonly taken: number;
}

/** A device that serves each connection with `serve`; with a certificate, after TLS. */
export async function box(cleanup: Cleanup, serve: Serve, certificate?: CertificateFiles): Promise<Box> {
  const sockets = new Set<Socket>();
  let taken = 0;
  const take = (socket: Socket): void => {
    taken++;
    sockets.add(socket);
    socket.on("error", () => {});
    serve(socket);
  };
  const server: Server = certificate
    ? createTlsServer(
        { cert: readFileSync(certificate.certificate), key: readFileSync(certificate.key) },
        take,
      )
    : createServer(take);
  server.on("tlsClientError", () => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanup.add("close a middlebox", () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return {
    port: (server.address() as AddressInfo).port,
    get taken() {
      return taken;
    },
  };
}

/** What passes in one direction, chunk by chunk; undefined: it does not pass. */
export type Change = (chunk: Buffer) => Buffer | undefined;

export interface Changes {
  /** From the agent. */
  up?: Change;
  /** From the hub. */
  down?: Change;
}

/** Joins two sockets; either's end is the other's. `changes` is asked for every chunk. */
export function splice(near: Socket, far: Socket, { up = (x) => x, down = (x) => x }: Changes = {}): void {
  for (const [from, to, change] of [
    [near, far, up],
    [far, near, down],
  ] as const) {
    from.on("error", () => to.destroy());
    from.on("close", () => to.destroy());
    from.on("data", (chunk: Buffer) => {
      const passed = change(chunk);
      if (passed && !to.write(passed)) from.pause();
    });
    to.on("drain", () => from.resume());
  }
}

/** Passes every connection on to `port`, bytes as they are but for `changes`. */
export const passTo =
  (port: number, changes?: () => Changes): Serve =>
  (near) =>
    splice(near, connect(port, "127.0.0.1"), changes?.());

/** Ends TLS here, with a certificate of its own (see `box`), and begins it anew towards the hub. */
export const inspectTo =
  (port: number, ca: string, changes?: () => Changes): Serve =>
  (near) =>
    splice(near, connectTls({ host: "127.0.0.1", port, ca: readFileSync(ca) }), changes?.());

/** Answers the head of the first request with `answer`, and stays silent then. */
export const answerWith =
  (answer: (request: string) => string): Serve =>
  (socket) => {
    let request = "";
    socket.on("data", (chunk: Buffer) => {
      const before = request.includes("\r\n\r\n");
      request += chunk.toString("latin1");
      if (!before && request.includes("\r\n\r\n")) socket.write(answer(request));
    });
  };

/** The right answer of a WebSocket server (RFC 6455, section 4.2.2). */
export function switchingProtocols(request: string): string {
  const key = /^sec-websocket-key: *(\S+)/im.exec(request)?.[1] ?? "";
  const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
  return (
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
    `Sec-WebSocket-Accept: ${accept}\r\n\r\n`
  );
}

/** A page for everything. */
export const page = (status: string, fields = ""): string =>
  `HTTP/1.1 ${status}\r\n${fields}Content-Type: text/html\r\nContent-Length: 6\r\n\r\nhello\n`;

/** Takes hop-by-hop fields out of the first request, as RFC 9110 (section 7.6.1) wants of a proxy that knows no WebSocket. */
export function withoutUpgrade(): Changes {
  let first = true;
  return {
    up: (chunk) => {
      if (!first) return chunk;
      first = false;
      return Buffer.from(chunk.toString("latin1").replace(/^(upgrade|connection):.*\r\n/gim, ""), "latin1");
    },
  };
}

/** Changes one bit of the last byte of what passes `after` the first so many chunks of a direction, once. */
export function flipOnce(direction: "up" | "down", when: () => boolean): Changes {
  let done = false;
  return {
    [direction]: (chunk: Buffer) => {
      if (!done && chunk.length > 20 && when()) {
        done = true;
        chunk[chunk.length - 1] = (chunk.at(-1) ?? 0) ^ 1;
      }
      return chunk;
    },
  };
}

/**
 * A port on which connections get no answer at all, as behind a firewall that drops: a listener that takes none,
 * whose queue is full.
 */
export async function blackHole(cleanup: Cleanup): Promise<number> {
  const program =
    "use IO::Socket::INET; $| = 1; my $s = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1') or die;" +
    'print $s->sockport, "\\n"; sleep 3600;';
  const child: LabProcess = await launch(["perl", "-e", program], {
    label: "a listener that takes no connection",
    cleanup,
    ready: (its) => /^\d+$/m.test(its.output),
  });
  const port = Number(child.output.trim());
  // a queue of one takes two
  for (let place = 0; place < 2; place++) {
    const filler = connect(port, "127.0.0.1");
    filler.on("error", () => {});
    await once(filler, "connect");
    cleanup.add("empty the queue", () => filler.destroy());
  }
  return port;
}
