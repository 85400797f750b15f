/** A carrier over plain requests from end to end, without sockets: each request goes through `deliver`. */

import type { HttpAnswer, HttpRequest } from "../../../agent/http/index.ts";
import { HttpsCarrier } from "../../../agent/tunnel/https-carrier.ts";
import { CARRIER_HEADER, PATHS } from "../../../common/carrier/https/index.ts";
import type { Carrier } from "../../../common/carrier/index.ts";
import { FakeClock } from "../../../common/clock.ts";
import { Admission } from "../../../hub/tunnel/admission.ts";
import { HttpsCarriers } from "../../../hub/tunnel/https.ts";
import { Dice } from "../session/rig.ts";

export const PEER = "192.0.2.1";

/** One end of a carrier, with all that was seen at it. */
export interface End {
  carrier: Carrier;
  heard: string[];
  closed: string[];
  drained: number;
}

export function watch(carrier: Carrier): End {
  const end: End = { carrier, heard: [], closed: [], drained: 0 };
  carrier.attach({
    message: (bytes) => end.heard.push(String(bytes)),
    drain: () => end.drained++,
    close: (reason) => end.closed.push(reason),
  });
  return end;
}

/** What the hub's listener does with a request. */
export class Hub {
  readonly clock = new FakeClock();
  readonly admission: Admission;
  readonly carriers: HttpsCarriers;
  /** The hub's ends of all carriers so far. */
  readonly ends: End[] = [];
  /** The handshake of a carrier takes as long as this. */
  welcome: (carrier: Carrier) => Promise<void> = () => Promise.resolve();
  /** Seconds that requests were allowed to take. */
  readonly allowed: number[] = [];

  constructor(handshakes = 10) {
    this.admission = new Admission({
      clock: this.clock,
      handshakes,
      handshakesPerAddress: handshakes,
      refusalsPerMinute: 100,
    });
    this.carriers = new HttpsCarriers({
      clock: this.clock,
      random: new Dice(1),
      admission: this.admission,
      welcome: (carrier) => {
        this.ends.push(watch(carrier));
        return this.welcome(carrier);
      },
    });
  }

  /** Asks as a client does; headers and body as given. */
  async ask(
    path: string,
    headers: Record<string, string> = {},
    body: Uint8Array = Buffer.alloc(0),
    init: RequestInit = {},
  ): Promise<Response> {
    const request = new Request(`https://hub.example${path}`, {
      method: "POST",
      headers: { "content-length": String(body.length), ...headers },
      ...(init.method === "GET" ? {} : { body: Buffer.from(body) }),
      ...init,
    });
    const answer = this.carriers.answer(request, path, PEER, (seconds) => this.allowed.push(seconds));
    if (!answer) throw new Error(`${path} is none of the tunnel's paths`);
    return answer;
  }

  /** Opens a carrier; its name. */
  async open(): Promise<string> {
    const answer = await this.ask(PATHS.open);
    return answer.headers.get(CARRIER_HEADER) ?? "";
  }
}

/** How a request gets to the hub and its answer back; may lose, repeat, hold or change either. */
export type Deliver = (
  request: HttpRequest,
  pass: (request: HttpRequest) => Promise<HttpAnswer>,
) => Promise<HttpAnswer>;

/** An agent's carrier to a hub. */
export async function connect(
  hub: Hub,
  deliver: Deliver = (request, pass) => pass(request),
): Promise<{ agent: End; hub: End; requests: HttpRequest[] }> {
  const name = await hub.open();
  const requests: HttpRequest[] = [];
  let closed = false;
  const pass = async (request: HttpRequest): Promise<HttpAnswer> => {
    const answer = await hub.ask(request.path, request.headers, request.body);
    return {
      status: answer.status,
      headers: Object.fromEntries(answer.headers),
      body: Buffer.from(await answer.arrayBuffer()),
    };
  };
  const ended = Promise.withResolvers<never>();
  ended.promise.catch(() => {});
  const client = {
    post: (request: HttpRequest) => {
      requests.push(request);
      if (closed) return Promise.reject(new Error("closed"));
      return Promise.race([deliver(request, pass), ended.promise]);
    },
    dropIdle() {},
    close() {
      closed = true;
      ended.reject(new Error("closed"));
    },
  };
  const agent = watch(new HttpsCarrier(client, name, "wss://hub.example", hub.clock));
  return { agent, hub: hub.ends.at(-1) as End, requests };
}
