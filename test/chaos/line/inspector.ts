/** A proxy that terminates TLS, as companies have them, with a certificate that the agent trusts; it tampers. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { AddressInfo, Socket } from "node:net";
import { connect, createServer, type Server } from "node:tls";
import type { Authority, CertificateFiles } from "../../e2e/certificates.ts";
import type { Cleanup } from "../../lab/cleanup.ts";
import type { Direction } from "../schedule.ts";
import { PayloadFinder } from "./payload.ts";

export class Inspector {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #armed = new Map<Direction, () => void>();

  private constructor(hubPort: number, own: CertificateFiles, authority: string) {
    const certificate = { cert: readFileSync(own.certificate), key: readFileSync(own.key) };
    this.#server = createServer(certificate, (near) => {
      const far = connect({ host: "127.0.0.1", port: hubPort, ca: readFileSync(authority) });
      this.#carry(near, far, "up");
      this.#carry(far, near, "down");
    });
    this.#server.on("tlsClientError", () => {});
  }

  static async start(
    hubPort: number,
    own: CertificateFiles,
    authority: Authority,
    cleanup: Cleanup,
  ): Promise<Inspector> {
    const inspector = new Inspector(hubPort, own, authority.file);
    inspector.#server.listen(0, "127.0.0.1");
    await once(inspector.#server, "listening");
    cleanup.add("close the inspecting proxy", () => {
      inspector.#server.close();
      for (const socket of inspector.#sockets) socket.destroy();
    });
    return inspector;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /**
   * Changes one bit of a message that comes next in a direction, on whichever connection that is; `done` is told
   * when that happened.
   */
  tamper(direction: Direction, done: () => void): void {
    this.#armed.set(direction, done);
  }

  #carry(from: Socket, to: Socket, direction: Direction): void {
    const finder = new PayloadFinder();
    this.#sockets.add(from);
    from.on("error", () => {});
    from.on("data", (chunk: Buffer) => {
      const [payload] = finder.scan(chunk);
      const done = this.#armed.get(direction);
      if (payload && done) {
        const at = (payload[0] + payload[1]) >> 1;
        chunk[at] = (chunk[at] ?? 0) ^ 1;
        this.#armed.delete(direction);
        done();
      }
      if (!to.write(chunk)) from.pause();
    });
    to.on("drain", () => from.resume());
    from.on("close", () => {
      this.#sockets.delete(from);
      to.destroySoon();
    });
  }
}
