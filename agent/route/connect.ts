/**
 * The way through an HTTP proxy: CONNECT (RFC 9110, section 9.3.6), with authentication where the proxy asks
 * for it (section 11.7).
 *
 *     CONNECT hub:443           without credentials: none is sent unasked
 *     407, challenges           the strongest is answered, on the same connection where that stays open
 *     CONNECT hub:443, answer
 *     200                       from here on the connection is the hub's
 *
 * A second 407 ends it, but for one that says that only the nonce was too old.
 */
import type { Socket } from "node:net";
import type { Random } from "../../common/random.ts";
import { VERSION } from "../../common/version.ts";
import { type Challenge, parseChallenges } from "./challenge.ts";
import * as failure from "./failure.ts";
import { type Answer, type Head, readAnswer, tokens } from "./head.ts";
import { strongest } from "./login.ts";
import type { HttpProxy } from "./proxy.ts";
import { isOver, type Limit, step } from "./step.ts";
import { type Address, authority, openTcp } from "./tcp.ts";
import { startTls } from "./tls.ts";
import { wireText } from "./wire-text.ts";

/** Most bytes of a 407's page that are read to keep the connection; a longer one costs a new connection. */
const MAX_PAGE = 64 << 10;

export interface ConnectOptions {
  random: Random;
  limit: Limit;
  /** Authorities (PEM) for a proxy that is spoken to over TLS, instead of the system's. */
  ca: string[] | undefined;
  /** The proxy took the credentials that were given in that scheme. */
  authenticated?: ((scheme: string) => void) | undefined;
}

/** Opens a connection to `address` through a proxy. Throws an E_PROXY_... error. */
export async function connectThrough(
  proxy: HttpProxy,
  address: Address,
  options: ConnectOptions,
): Promise<Socket> {
  const target = authority(address);
  const answers = new Answers(proxy, target, options.random);
  let credentials: string | undefined;
  let kept: Socket | undefined;
  for (;;) {
    const socket = kept ?? (await openProxy(proxy, options));
    const answer = await ask(socket, proxy, target, credentials, options.limit).catch((error: unknown) => {
      // a kept connection that is closed all the same costs a new one
      if (!kept || isOver(options.limit)) throw error;
    });
    kept = undefined;
    if (!answer) continue;
    const { status } = answer.head;
    try {
      if (status >= 200 && status < 300) {
        if (answers.scheme !== undefined) options.authenticated?.(answers.scheme);
        return alone(answer, proxy, socket);
      }
      // some refuse wrong credentials with 401
      if (status === 401) answers.refuse();
      if (status !== 407) throw failure.proxyRefusal(proxy, target, answer.head);
      credentials = answers.to(answer.head);
    } catch (error) {
      socket.destroy();
      throw error;
    }
    if (await mayBeKept(socket, answer, proxy, options.limit)) kept = socket;
  }
}

/** The hub never speaks first: what comes behind the answer is not the hub's. */
function alone({ rest }: Answer, proxy: HttpProxy, socket: Socket): Socket {
  if (rest.length > 0) throw failure.notAProxy(proxy, "it sent more than its answer");
  return socket;
}

async function openProxy(proxy: HttpProxy, { limit, ca }: ConnectOptions): Promise<Socket> {
  const socket = await openTcp(proxy, limit, (trouble, naming) =>
    failure.proxyConnectError(proxy, trouble, naming),
  );
  if (!proxy.secure) return socket;
  return startTls(socket, { host: proxy.host, ca }, limit, (trouble) =>
    failure.proxyTlsError(proxy, trouble),
  );
}

function ask(
  socket: Socket,
  proxy: HttpProxy,
  target: string,
  credentials: string | undefined,
  limit: Limit,
): Promise<Answer> {
  const lines = [
    `CONNECT ${target} HTTP/1.1`,
    `Host: ${target}`,
    `User-Agent: farsite-agent/${VERSION}`,
    ...(credentials === undefined ? [] : [`Proxy-Authorization: ${credentials}`]),
  ];
  const answer = readAnswer(
    socket,
    limit,
    (trouble) => failure.proxyAnswerError(proxy, trouble),
    (what) => failure.notAProxy(proxy, `its answer is ${what}`),
  );
  socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  return answer;
}

/** Chooses and answers challenges; throws when there is nothing more to try. */
class Answers {
  #given: Challenge | undefined;
  #renewed = false;

  constructor(
    private readonly proxy: HttpProxy,
    private readonly target: string,
    private readonly random: Random,
  ) {}

  /** The scheme of what was given last, if anything was. */
  get scheme(): string | undefined {
    return this.#given?.scheme;
  }

  to(head: Head): string {
    const { proxy } = this;
    const challenges = parseChallenges((head.fields.get("proxy-authenticate") ?? []).join(", "));
    if (!challenges) throw failure.notAProxy(proxy, "its Proxy-Authenticate field is malformed");
    const schemes = wireText([...new Set(challenges.map((each) => each.scheme))].join(", ") || "nothing");
    const chosen = strongest(challenges);
    if (!chosen) throw failure.authScheme(proxy, schemes);
    if (!proxy.login) throw failure.authWanted(proxy, schemes);
    const stale = chosen.scheme === "digest" && chosen.params.get("stale")?.toLowerCase() === "true";
    if (!stale || this.#renewed) this.refuse();
    this.#renewed ||= this.#given !== undefined;
    this.#given = chosen;
    return proxy.login.answer(chosen, "CONNECT", this.target, this.random);
  }

  /** What was given is not accepted. Does nothing when nothing was. */
  refuse(): void {
    if (this.#given) throw failure.authWrong(this.proxy, this.#given.scheme);
  }
}

/** Reads the page of an answer and says whether the next request may go over the same connection. */
async function mayBeKept(
  socket: Socket,
  { head, rest }: Answer,
  proxy: HttpProxy,
  limit: Limit,
): Promise<boolean> {
  const options = [...tokens(head, "connection"), ...tokens(head, "proxy-connection")];
  const [length, ...others] = head.fields.get("content-length") ?? [];
  const left = length !== undefined && /^\d{1,6}$/.test(length) ? Number(length) - rest.length : undefined;
  const open = head.version === "1.1" && !options.includes("close") && !head.fields.has("transfer-encoding");
  if (!open || others.length > 0 || left === undefined || left < 0 || left > MAX_PAGE) {
    socket.destroy();
    return false;
  }
  // a proxy that closes all the same costs a new connection, no failure
  return await skip(socket, left, proxy, limit).then(
    () => true,
    () => false,
  );
}

function skip(socket: Socket, bytes: number, proxy: HttpProxy, limit: Limit): Promise<void> {
  if (bytes === 0) return Promise.resolve();
  return step(
    socket,
    limit,
    (trouble) => failure.proxyAnswerError(proxy, trouble),
    (done, fail) => {
      let left = bytes;
      const onData = (chunk: Buffer): void => {
        left -= chunk.length;
        if (left === 0) done();
        else if (left < 0) fail(failure.notAProxy(proxy, "it sent more than its answer"));
      };
      socket.on("data", onData);
      socket.resume();
      return () => {
        socket.off("data", onData);
        socket.pause();
      };
    },
  );
}
