/** The HTTP face of carriers over plain requests: routes each request to its carrier, within limits. */

import { createHash } from "node:crypto";
import { hex } from "../../common/bytes.ts";
import {
  CARRIER_HEADER,
  CARRIER_ID_BYTES,
  CONTENT_TYPE,
  decodeBatch,
  ERROR_HEADER,
  HOLD,
  MAX_BATCH,
  MAX_FIRST_BATCH,
  NUMBER_HEADER,
  PATHS,
  WINDOW,
} from "../../common/carrier/https/index.ts";
import type { Carrier } from "../../common/carrier/index.ts";
import type { Clock } from "../../common/clock.ts";
import type { Random } from "../../common/random.ts";
import type { Admission } from "./admission.ts";
import { HttpsCarrier } from "./https-carrier.ts";

export interface HttpsCarriersOptions {
  clock: Clock;
  random: Random;
  admission: Admission;
  /** Takes a new carrier through its handshake; resolves when that is over. */
  welcome: (carrier: Carrier) => Promise<void>;
}

/** Seconds for a body to arrive, or for an answer to leave: 64 kbit/s carry the largest batch in 33 s. */
const TRANSFER_SECONDS = 40;
/** Bodies of one carrier that may be on their way at once: all of its window, and each once more. */
const MOST_BODIES = 2 * WINDOW;

interface Entry {
  carrier: HttpsCarrier;
  /** The handshake is over, and well: from now on it is an agent's. */
  proven: boolean;
  /** Bodies that are on their way. */
  bodies: number;
}

export class HttpsCarriers {
  readonly #entries = new Map<string, Entry>();

  constructor(private readonly options: HttpsCarriersOptions) {}

  /** Carriers that are there, those that close included. */
  get size(): number {
    return this.#entries.size;
  }

  /**
   * Answers a request for one of the tunnel's paths; undefined for any other path.
   * @param allow lets the request take so many seconds
   */
  answer(
    request: Request,
    path: string,
    peer: string,
    allow: (seconds: number) => void,
  ): Promise<Response> | undefined {
    switch (path) {
      case PATHS.open:
        return this.#post(request, async () => this.#open(peer));
      case PATHS.down:
        return this.#post(request, () => {
          allow(HOLD / 1000 + TRANSFER_SECONDS);
          return this.#down(request);
        });
      case PATHS.up:
      case PATHS.close:
        return this.#post(request, () => this.#up(request, path === PATHS.close, allow));
      default:
        return undefined;
    }
  }

  async #post(request: Request, act: () => Promise<Response>): Promise<Response> {
    return request.method === "POST" ? act() : refuse(405, "only POST is answered here", { allow: "POST" });
  }

  #open(peer: string): Response {
    const { admission, clock, random, welcome } = this.options;
    if (!admission.enter(peer)) return busy();
    const id = hex(random.bytes(CARRIER_ID_BYTES));
    const entry: Entry = { carrier: new HttpsCarrier(peer, clock), proven: false, bodies: 0 };
    const key = keyOf(id);
    this.#entries.set(key, entry);
    void entry.carrier.over.then(() => this.#entries.delete(key));
    void welcome(entry.carrier)
      .then(() => {
        entry.proven = entry.carrier.closed === undefined;
        // one that was refused keeps its place until nothing is left of it
        return entry.proven ? undefined : entry.carrier.over;
      })
      .finally(() => admission.leave(peer));
    return reply(Buffer.alloc(0), { [CARRIER_HEADER]: id });
  }

  async #down(request: Request): Promise<Response> {
    const entry = this.#find(request);
    if (!entry) return unknownCarrier();
    const number = numberOf(request);
    if (number === undefined) return refuse(400, "the number is missing");
    const answer = await entry.carrier.poll(number, request.signal);
    if (answer === "gone") return gone(entry.carrier);
    if (answer === "again") return refuse(409, "this request is out of date");
    return reply(answer, { [NUMBER_HEADER]: String(number) });
  }

  async #up(request: Request, last: boolean, allow: (seconds: number) => void): Promise<Response> {
    const entry = this.#find(request);
    if (!entry) return unknownCarrier();
    const { carrier } = entry;
    const number = numberOf(request);
    if (number === undefined) return refuse(400, "the number is missing");
    const length = request.headers.get("content-length");
    if (length === null) return refuse(411, "the body's length must be known");
    if (Number(length) > (entry.proven ? MAX_BATCH : MAX_FIRST_BATCH)) return refuse(413, "too long");
    if (entry.bodies >= MOST_BODIES) return refuse(429, "too many requests at once");
    if (!carrier.expects(number)) carrier.fail("the agent sent messages out of order");
    if (carrier.closed !== undefined) {
      // an agent that closes it, too, needs nothing more of it
      if (last) carrier.fail("closed by the agent");
      return gone(carrier);
    }
    // the little that a handshake takes comes soon, or not at all
    if (entry.proven) allow(TRANSFER_SECONDS);
    entry.bodies++;
    const messages = await messagesOf(request).finally(() => entry.bodies--);
    if (!messages) return refuse(400, "the body is malformed");
    carrier.receive(number, { messages, last });
    return reply(Buffer.alloc(0), { [NUMBER_HEADER]: String(number) });
  }

  #find(request: Request): Entry | undefined {
    const id = request.headers.get(CARRIER_HEADER);
    return id === null ? undefined : this.#entries.get(keyOf(id));
  }
}

/** Kept by their hash: how long it takes to find nothing then tells nothing of the names that there are. */
function keyOf(id: string): string {
  return createHash("sha256").update(id).digest("base64");
}

/** What the body holds; undefined when it is malformed, or its connection broke before it was there whole. */
async function messagesOf(request: Request): Promise<Buffer[] | undefined> {
  try {
    return decodeBatch(Buffer.from(await request.arrayBuffer()));
  } catch {
    return undefined;
  }
}

function numberOf(request: Request): number | undefined {
  const text = request.headers.get(NUMBER_HEADER);
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

const ALWAYS = { "content-type": CONTENT_TYPE, "cache-control": "no-store" };

function reply(body: Buffer, headers: Record<string, string>): Response {
  return new Response(body, { headers: { ...ALWAYS, ...headers } });
}

function refuse(status: number, text: string, headers: Record<string, string> = {}): Response {
  return new Response(`${text}\n`, { status, headers: { "cache-control": "no-store", ...headers } });
}

/** Also for the WebSocket's request. */
export function busy(): Response {
  return refuse(503, "too many handshakes", { [ERROR_HEADER]: "E_HUB_BUSY" });
}

function gone(carrier: HttpsCarrier): Response {
  return refuse(410, carrier.closed ?? "closed");
}

function unknownCarrier(): Response {
  return refuse(404, "there is no such carrier");
}
