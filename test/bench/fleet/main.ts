/**
 * Many agents in one process, each of a site of its own with a core that is an answer in memory: what a hub with
 * very many sites has to do with, on one machine. Arguments: the hub's admin socket, a tenant, the first site's
 * number, how many. Prints "ready" when all are connected.
 */
import { wayOut } from "../../../agent/command/way-out.ts";
import { agentConfig } from "../../../agent/config.ts";
import { Keys } from "../../../agent/keys/index.ts";
import { directly, openDirectly, viewOf } from "../../../agent/route/index.ts";
import { Services } from "../../../agent/service/index.ts";
import { Connector, enrol, fetchCertificate } from "../../../agent/tunnel/index.ts";
import { systemClock as clock } from "../../../common/clock.ts";
import { decodeToken } from "../../../common/handshake/index.ts";
import type { Log } from "../../../common/log.ts";
import type { Stream } from "../../../common/mux/index.ts";
import { KeyPair } from "../../../common/noise/index.ts";
import { systemRandom as random } from "../../../common/random.ts";
import { answerTo } from "./core.ts";

/** ms for a handshake on a machine that does a thousand of them. */
const TIMEOUT = 60_000;
/** Enrolments and connections under way at a time. */
const AT_ONCE = 16;

const QUIET: Log = { debug() {}, info() {}, warn() {}, error() {}, with: () => QUIET };

const forgetful = { keepNext: () => {}, keepIdentity: () => {}, keepHubKeys: () => {} };

/** Answers every stream as the site's core would. */
class Core extends Services {
  constructor(
    private readonly site: string,
    private readonly place: number,
  ) {
    const dial = () => {
      throw new Error("there is nothing to dial");
    };
    const targets = new Map([["livestatus", { path: "/nowhere" }]]);
    super({ targets, dial, clock, connectTimeout: TIMEOUT, log: QUIET });
  }

  override accept(stream: Stream): void {
    let asked = "";
    stream.attach({
      data: (chunk) => {
        stream.consumed(chunk.length);
        asked += chunk.toString("latin1");
        if (!asked.endsWith("\n\n")) return;
        stream.write(answerTo(asked, this.site, this.place, clock.wall()));
        stream.end();
      },
      end: () => {},
      drain: () => {},
      reset: () => {},
    });
  }
}

async function post<T>(socket: string, path: string, body: unknown): Promise<T> {
  const response = await fetch(`http://hub${path}`, {
    method: "POST",
    unix: socket,
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path}: ${await response.text()}`);
  return (await response.json()) as T;
}

const config = agentConfig.parse({});
let certificate: Promise<string> | undefined;

async function join(socket: string, tenant: string, site: string): Promise<void> {
  const made = await post<{ token: string }>(socket, `/tenants/${tenant}/sites`, {
    name: site,
    services: ["livestatus"],
  });
  const token = decodeToken(made.token);
  if (!token.certificate) throw new Error("the hub has no certificate of its own");
  const open = openDirectly;
  certificate ??= fetchCertificate(token.url, token.certificate, { open, clock, timeout: TIMEOUT });
  const { carriers } = wayOut({ config, routeTo: directly, certificate: await certificate, log: QUIET });
  const identity = KeyPair.identity(random);
  const hubKey = Buffer.from(token.hubKey);
  await carriers.open({ url: token.url, timeout: TIMEOUT }, (carrier) =>
    enrol(carrier, token, () => {}, { identity, hubKey, clock, random, timeout: TIMEOUT }),
  );
  const connector = new Connector({
    enrolled: { url: token.url, tenant, site },
    keys: new Keys({ identity, next: undefined, hubKeys: [hubKey], store: forgetful, random }),
    services: new Core(`${tenant}-${site}`, Number(site.slice(1))),
    core: () => undefined,
    carriers,
    route: (url) => viewOf(directly(url)),
    clock,
    random,
    log: QUIET,
    defer: setImmediate,
    session: {},
    maxStreams: 100,
    timeout: TIMEOUT,
    urls: [token.url],
    maxAge: undefined,
    network: () => "",
  });
  void connector.run();
  while (connector.status().state !== "connected") await Bun.sleep(20);
}

const [socket = "", tenant = "", first = "0", count = "0"] = process.argv.slice(2);
const names = Array.from(
  { length: Number(count) },
  (_, at) => `s${String(Number(first) + at).padStart(4, "0")}`,
);
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    for (let name = names.pop(); name !== undefined; name = names.pop()) await join(socket, tenant, name);
  }),
);
process.stdout.write("ready\n");
setInterval(() => {}, 1 << 30);
