/** TLS on a connection that was taken, with an end that no client can mistake. */

import { constants } from "node:crypto";
import { writeSync } from "node:fs";
import type { Socket } from "node:net";
import { createSecureContext, type SecureContext, TLSSocket } from "node:tls";
import type { Clock } from "../../common/clock.ts";
import type { KeyedCertificate } from "../tls/index.ts";

/** With what an endpoint does TLS. */
export interface Secrets {
  context: SecureContext;
  /** Whether clients must show a certificate. */
  clients: boolean;
}

/** @param authorities of which a client must show a certificate; undefined: it need not have one */
export function makeSecrets(
  { certificate, key }: KeyedCertificate,
  authorities: readonly string[] | undefined,
): Secrets {
  return {
    clients: authorities !== undefined,
    context: createSecureContext({
      cert: certificate,
      key,
      ...(authorities && { ca: [...authorities] }),
      // as Checkmk; what is older has known weaknesses (RFC 8996)
      minVersion: "TLSv1.2",
      // a client shows its certificate each time; those of Livestatus do not resume sessions anyway
      secureOptions: constants.SSL_OP_NO_TICKET,
    }),
  };
}

/** Why no client came of a connection. */
export class NotSecure extends Error {
  /** @param refused whether the hub does not want this client, rather than that TLS did not come about */
  constructor(
    message: string,
    readonly refused = false,
  ) {
    super(message);
  }
}

/** The first byte of TLS (RFC 8446, 5.1). */
const HANDSHAKE = 0x16;

export interface SecureOptions extends Secrets {
  clock: Clock;
  /** ms for the handshake. */
  timeout: number;
}

/** Takes a client through the handshake. Rejects with NotSecure, and then the connection is over. */
export function secure(raw: Socket, options: SecureOptions): Promise<SecureSocket> {
  const { clock, timeout, clients } = options;
  return new Promise((resolve, reject) => {
    const fail = (reason: NotSecure, end: () => void) => {
      timer.cancel();
      end();
      reject(reason);
    };
    const gone = () => fail(new NotSecure("it left before TLS was set up"), () => {});
    const timer = clock.after(timeout, () =>
      fail(new NotSecure(`it did not set up TLS within ${timeout / 1_000} s`), () => raw.destroy()),
    );
    raw.on("error", () => {});
    raw.once("close", gone);
    raw.once("data", (first: Buffer) => {
      if (first[0] !== HANDSHAKE) {
        fail(new NotSecure("it does not speak TLS, which is needed here"), () => raw.resetAndDestroy());
        return;
      }
      raw.pause();
      raw.unshift(first);
      const socket = new SecureSocket(raw, options);
      socket.on("error", (error: Error) => fail(new NotSecure(`TLS failed: ${wordsOf(error)}`), () => {}));
      socket.once("close", gone);
      socket.once("secure", () => {
        timer.cancel();
        raw.off("close", gone);
        socket.off("close", gone);
        // with TLS 1.2 the last of the handshake leaves only now, and a client that it does not reach tries on in vain
        setImmediate(() => {
          if (socket.destroyed) gone();
          else if (!clients || socket.authorized) resolve(socket);
          else fail(new NotSecure(objectionTo(socket), true), () => socket.resetAndDestroy());
        });
      });
    });
  });
}

/** What a client's certificate lacks. */
function objectionTo(socket: TLSSocket): string {
  if (socket.getPeerX509Certificate() === undefined) return "it shows no certificate";
  const { authorizationError: error } = socket as { authorizationError: Error | string | undefined };
  const { code } = error instanceof Error ? (error as NodeJS.ErrnoException) : { code: error };
  return `its certificate is not accepted: ${(code ?? "unknown").toLowerCase().replaceAll("_", " ")}`;
}

const DISTRUST = "the client does not trust the certificate";
/** What BoringSSL's words mean where they do not say it. */
const MEANINGS: Record<string, string> = {
  TLSV1_ALERT_UNKNOWN_CA: DISTRUST,
  SSLV3_ALERT_BAD_CERTIFICATE: DISTRUST,
  SSLV3_ALERT_CERTIFICATE_UNKNOWN: DISTRUST,
  // OpenSSL's complaint of a certificate comes in the clear where TLS 1.3 wants it encrypted
  BAD_PACKET_LENGTH: `${DISTRUST}, or sends junk`,
  UNSUPPORTED_PROTOCOL: "the client has no TLS 1.2 or later",
};

/** What went wrong, from an error that ends in BoringSSL's own word, such as ...:NO_SHARED_CIPHER. */
function wordsOf({ message }: Error): string {
  const word = /:([A-Z\d_]+)$/.exec(message)?.[1];
  return word === undefined ? message : (MEANINGS[word] ?? word.toLowerCase().replaceAll("_", " "));
}

/**
 * A fatal alert, internal_error, in the clear (RFC 8446, 6.2). By now all that comes must be encrypted, so whatever
 * a client's library makes of it is an error, and never an end.
 */
const BREAK = Buffer.from([0x15, 3, 3, 0, 2, 2, 80]);
/** ms until it is tried again to send it, where the client has not taken what is before it. */
const BREAK_AGAIN = 50;
/** ms for that, and then for the client to go. */
const BREAK_TIME = 30_000;
const BREAK_LINGER = 2_000;

export class SecureSocket extends TLSSocket {
  readonly #clock: Clock;
  #breaking = false;

  constructor(raw: Socket, { context, clients, clock }: Secrets & { clock: Clock }) {
    super(raw, {
      isServer: true,
      allowHalfOpen: true,
      secureContext: context,
      requestCert: clients,
      // it is looked at when the handshake is done: what a client of TLS 1.3 is told before, it may take for an end
      rejectUnauthorized: false,
    } as ConstructorParameters<typeof TLSSocket>[1]);
    this.#clock = clock;
  }

  /**
   * Breaks the connection off. A reset does not do, nor does the lack of a proper end: Python, for one, shows neither
   * of them to who reads through TLS (ssl, suppress_ragged_eofs), and a cut answer looks whole.
   */
  override resetAndDestroy(): this {
    if (this.#breaking) return this;
    this.#breaking = true;
    const end = this.#clock.now() + BREAK_TIME;
    const attempt = () => {
      if (this.destroyed) return;
      if (this.#alert()) {
        // what is unread when a connection is closed resets it, and what was sent last is lost
        this.resume();
        this.end();
        this.#clock.after(BREAK_LINGER, () => this.destroy());
      } else if (this.#clock.now() < end) this.#clock.after(BREAK_AGAIN, attempt);
      else this.destroy();
    };
    attempt();
    return this;
  }

  /** Sends the alert past the encryption; false: the kernel has no room for it now. */
  #alert(): boolean {
    const descriptor = descriptorOf(this);
    if (descriptor === undefined) return true;
    try {
      return writeSync(descriptor, BREAK) > 0;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code !== "EAGAIN";
    }
  }
}

/** The open file of a connection; undefined when that is closed. There is no public name for it, in Node neither. */
function descriptorOf(socket: Socket): number | undefined {
  const { _handle: handle } = socket as { _handle?: { fd?: number } | null };
  return handle?.fd !== undefined && handle.fd >= 0 ? handle.fd : undefined;
}
