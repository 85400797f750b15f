/** A federation whose sites are cores in memory, or whatever a test makes them. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { FakeClock } from "../../../../common/clock.ts";
import { parseHead, Refusal, type Request } from "../../../../common/livestatus/index.ts";
import type { Log } from "../../../../common/log.ts";
import {
  Federation,
  type FederationLimits,
  type PeerState,
} from "../../../../hub/livestatus/federation/index.ts";
import type { AnswerEvents, Answering, GatedSite, Question } from "../../../../hub/livestatus/index.ts";
import { Dice } from "../../session/rig.ts";
import { evaluate, type Family, type Tables } from "./core.ts";

/** A site that a test plays. */
export interface Site {
  /** Takes a question; tells its answer by `events` whenever it likes. */
  ask(question: Question, events: AnswerEvents): Partial<Omit<Answering, "start">> | undefined;
}

/** s since the epoch: when the cores of all sites were started, unless a test says otherwise. */
export const STARTED = 1_790_000_100;

export const LIMITS: FederationLimits = {
  clients: 10,
  longestRequest: 1 << 20,
  queryTimeout: 120_000,
  requestTimeout: 10_000,
  idleTimeout: 300_000,
  sitesTimeout: 10_000,
  clientTimeout: 120_000,
  sites: 100,
  queries: 8,
  queryWait: 3_000,
  memory: 64 << 20,
  largestAnswer: 512 << 20,
};

const QUIET = { with: () => QUIET, debug() {}, info() {}, warn() {}, error() {} } as unknown as Log;

export interface Outcome {
  bytes: Buffer;
  ending: "open" | "whole" | "cut" | Refusal;
}

/** What came of a query, as it stands now. */
export class Asked {
  readonly chunks: Buffer[] = [];
  ending: Outcome["ending"] = "open";
  /** Whether what comes is taken at once. */
  taking = true;
  taken = 0;
  answering: Answering | undefined;
  readonly #ended = Promise.withResolvers<void>();

  readonly events: AnswerEvents = {
    data: (chunk) => {
      this.chunks.push(chunk);
      if (this.taking) this.take(chunk.length);
    },
    whole: () => this.#end("whole"),
    cut: () => this.#end("cut"),
    failed: (refusal) => this.#end(refusal),
  };

  take(bytes: number): void {
    this.taken += bytes;
    this.answering?.consumed(bytes);
  }

  #end(ending: Outcome["ending"]): void {
    this.ending = ending;
    this.#ended.resolve();
  }

  /** Resolves when nothing more comes. */
  ended(): Promise<void> {
    return this.#ended.promise;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.chunks);
  }

  get text(): string {
    return this.bytes.toString();
  }

  get length(): number {
    return this.chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  }

  /** The body of a fixed16 answer; throws when the head does not fit it. */
  get body(): string {
    const head = parseHead(this.bytes);
    const body = this.bytes.subarray(16);
    if (head?.code !== 200 || head.length !== body.length) throw new Error(`no whole answer: ${this.text}`);
    return body.toString();
  }
}

export class Rig {
  readonly clock = new FakeClock();
  readonly asked: { site: string; text: string }[] = [];
  readonly states = new Map<string, Partial<PeerState>>();
  readonly federation: Federation;
  verdict: (site: GatedSite, request: Request) => Refusal | undefined = () => undefined;
  readonly #sites = new Map<string, Site>();

  constructor(limits: Partial<FederationLimits> = {}) {
    const directory = mkdtempSync(join(tmpdir(), "farsite-federation-"));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    this.federation = new Federation({
      verdict: (site, request) => this.verdict(site, request),
      asking: (site, _, question, events) => this.#ask(`${site.tenant}/${site.name}`, question, events),
      stateOf: (site) => ({
        state: "online",
        up: true,
        pending: false,
        reason: undefined,
        since: 1_000_000,
        lastOnline: 2_000_000,
        started: STARTED,
        address: "127.64.0.1",
        rtt: 20,
        queries: 3,
        ...this.states.get(`${site.tenant}/${site.name}`),
      }),
      limits: { ...LIMITS, ...limits },
      spoolDirectory: directory,
      clock: this.clock,
      random: new Dice(1),
      log: QUIET,
    });
  }

  /** Adds a site, `TENANT/SITE`. */
  add(path: string, site: Site): this {
    const [tenant = "", name = ""] = path.split("/");
    this.#sites.set(path, site);
    this.federation.offer({ id: this.#sites.size, tenant, name });
    return this;
  }

  #ask(path: string, question: Question, events: AnswerEvents): Answering {
    let answering: Partial<Omit<Answering, "start">> | undefined;
    let begun = false;
    return {
      start: () => {
        this.asked.push({ site: path, text: Buffer.concat(question.bytes).toString("latin1") });
        answering = this.#sites.get(path)?.ask(question, {
          ...events,
          data: (chunk) => {
            begun = true;
            events.data(chunk);
          },
        });
      },
      get begun() {
        return begun;
      },
      consumed: (bytes) => answering?.consumed?.(bytes),
      cancel: () => answering?.cancel?.(),
    };
  }

  /** Asks, as one who is at a tenant's endpoint or at the operators' (undefined). */
  ask(tenant: string | undefined, text: string, how: { taking?: boolean } = {}): Asked {
    const asked = new Asked();
    asked.taking = how.taking ?? true;
    const fixed16 = text.includes("ResponseHeader: fixed16");
    const question = { bytes: [Buffer.from(`${text}\n\n`)], fixed16, halfClose: false, wait: 0 };
    asked.answering = this.federation.view(tenant).asking("test", question, asked.events);
    asked.answering.start();
    return asked;
  }

  /** The rows of an answer in JSON, to one who takes it all. */
  async rows(tenant: string | undefined, text: string): Promise<unknown[][]> {
    const asked = this.ask(tenant, `${text}\nOutputFormat: json`);
    await asked.ended();
    if (asked.ending !== "whole") throw asked.ending;
    return JSON.parse(asked.text) as unknown[][];
  }
}

/** A site with a core in memory, whose answers come in pieces of up to `piece` bytes. */
export function coreSite(tables: Tables, family: Family = "icinga", piece = Number.POSITIVE_INFINITY): Site {
  return {
    ask(question, events) {
      const text = Buffer.concat(question.bytes).toString("latin1");
      const { code, rows, message } = evaluate(tables, text, { family, forgetful: family === "icinga" });
      const answer = fixed16(code, code === 200 ? JSON.stringify(rows) : `${message}\n at some place\n`);
      for (let at = 0; at < answer.length; at += piece) events.data(answer.subarray(at, at + piece));
      events.whole();
      return undefined;
    },
  };
}

export function fixed16(code: number, text: string): Buffer {
  const body = Buffer.from(text);
  return Buffer.concat([Buffer.from(`${code} ${String(body.length).padStart(11)}\n`), body]);
}

/** A site that answers these bytes, and then ends as told. */
export function saying(
  bytes: Buffer | string,
  ending: "whole" | "cut" | Refusal | "nothing" = "whole",
): Site {
  return {
    ask(_, events) {
      if (bytes.length > 0) events.data(Buffer.from(bytes));
      if (ending === "whole") events.whole();
      else if (ending === "cut") events.cut();
      else if (ending instanceof Refusal) events.failed(ending);
      return undefined;
    },
  };
}

/** A site whose answer the test gives when it wants to. */
export class Puppet implements Site {
  readonly events: AnswerEvents[] = [];
  cancelled = 0;
  consumed = 0;

  ask(_: Question, events: AnswerEvents): Partial<Answering> {
    this.events.push(events);
    return {
      consumed: (bytes) => {
        this.consumed += bytes;
      },
      cancel: () => {
        this.cancelled++;
      },
    };
  }

  say(text: string | Buffer): void {
    this.events.at(-1)?.data(Buffer.from(text));
  }

  answer(rows: unknown): void {
    this.say(fixed16(200, JSON.stringify(rows)));
    this.events.at(-1)?.whole();
  }
}
