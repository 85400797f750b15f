/** An agent that is none: it enrols and connects as agents do, and then sends into the outbox whatever a test wants. */
import { wayOut } from "../../agent/command/way-out.ts";
import { agentConfig } from "../../agent/config.ts";
import { Keys } from "../../agent/keys/index.ts";
import { directly, openDirectly, viewOf } from "../../agent/route/index.ts";
import { Services } from "../../agent/service/index.ts";
import { Connector, enrol, fetchCertificate } from "../../agent/tunnel/index.ts";
import { systemClock as clock } from "../../common/clock.ts";
import { decodeToken } from "../../common/handshake/index.ts";
import { MemoryLog } from "../../common/log.ts";
import { unpack } from "../../common/msgpack.ts";
import { BULK } from "../../common/mux/index.ts";
import { KeyPair } from "../../common/noise/index.ts";
import {
  ACK,
  ack,
  EPOCH_BYTES,
  HELLO,
  itemMessage,
  KEY_BYTES,
  MessageReader,
  message,
  OUTBOX,
  OUTBOX_VERSION,
  REFUSED,
  refused,
  Sealer,
} from "../../common/outbox/index.ts";
import { systemRandom as random } from "../../common/random.ts";
import { until } from "./farsite.ts";

/** ms for each step of the way to the hub. */
const TIMEOUT = 45_000;

/** What the hub said of an item. */
export interface Verdict {
  /** Why it was refused; undefined when it was taken. */
  refused: string | undefined;
  /** What the hub said beside taking it. */
  note: string | undefined;
}

export interface RawAgent {
  /** Sends bodies into a lane, one after the other, each sealed for the hub unless it says otherwise. */
  send(lane: string, items: readonly { kind: string; body: Buffer; sealed?: boolean }[]): Promise<Verdict[]>;
  stop(): void;
}

export async function startRawAgent(tenant: string, site: string, words: string): Promise<RawAgent> {
  const token = decodeToken(words);
  const log = new MemoryLog();
  const certificate =
    token.certificate &&
    (await fetchCertificate(token.url, token.certificate, { open: openDirectly, clock, timeout: TIMEOUT }));
  const { carriers } = wayOut({ config: agentConfig.parse({}), routeTo: directly, certificate, log });
  const identity = KeyPair.identity(random);
  const hubKey = Buffer.from(token.hubKey);
  await carriers.open({ url: token.url, timeout: TIMEOUT }, (carrier) =>
    enrol(carrier, token, () => {}, { identity, hubKey, clock, random, timeout: TIMEOUT }),
  );
  const dial = (): never => {
    throw new Error("there is nothing to dial");
  };
  const store = { keepNext: () => {}, keepIdentity: () => {}, keepHubKeys: () => {} };
  const connector = new Connector({
    enrolled: { url: token.url, tenant, site },
    keys: new Keys({ identity, next: undefined, hubKeys: [hubKey], store, random }),
    services: new Services({ targets: new Map(), dial, clock, connectTimeout: TIMEOUT, log }),
    core: () => undefined,
    carriers,
    route: (url) => viewOf(directly(url)),
    clock,
    random,
    log,
    defer: setImmediate,
    session: {},
    maxStreams: 100,
    timeout: TIMEOUT,
    urls: [token.url],
    maxAge: undefined,
    network: () => "",
  });
  void connector.run();
  await until("the raw agent to be connected", () => connector.status().state === "connected");
  const sealer = new Sealer(() => hubKey, random);
  return {
    send: async (lane, items) => {
      const stream = connector.open(OUTBOX, BULK);
      if (!stream) throw new Error("there is no session");
      const [verdicts, reasons] = [new Map<number, Verdict>(), new Map<number, string>()];
      let [done, lost] = [-1, ""];
      const reader = new MessageReader(new Set([ACK, REFUSED]));
      stream.attach({
        data: (chunk) => {
          stream.consumed(chunk.length);
          for (const { type, body } of reader.read(chunk)) {
            if (type === REFUSED) {
              const { number, reason } = unpack(refused, body, "a refusal");
              reasons.set(number, reason);
              continue;
            }
            const { number, note } = unpack(ack, body, "an acknowledgement");
            for (let each = Math.max(1, done + 1); each <= number; each++) {
              verdicts.set(each, { refused: reasons.get(each), note });
            }
            done = number;
          }
        },
        end: () => {},
        drain: () => {},
        reset: (reason) => {
          lost = reason;
        },
      });
      const epoch = Buffer.from(random.bytes(EPOCH_BYTES));
      stream.write(message(HELLO, { version: OUTBOX_VERSION, lane, epoch, first: 1 }));
      const reaches = (number: number) =>
        until(`item ${number} to be answered`, () => {
          if (lost !== "") throw new Error(`the hub reset the stream: ${lost}`);
          return done >= number;
        });
      await reaches(0);
      for (const [at, { kind, body, sealed = true }] of items.entries()) {
        const head = { number: at + 1, key: Buffer.from(random.bytes(KEY_BYTES)), kind, time: Date.now() };
        stream.write(itemMessage(head, sealed ? sealer.seal(body) : body));
        await reaches(at + 1);
      }
      stream.reset("cancelled");
      return items.map((_, at) => verdicts.get(at + 1) as Verdict);
    },
    stop: () => connector.stop(),
  };
}
