/** What hub.toml may say, with defaults. The commented reference is docs/hub.toml. */

import { z } from "zod";
import { policyKeys, policyRule } from "../../common/livestatus/index.ts";
import { lineName, ownerName, portNumber, serviceName } from "../../common/names.ts";
import { centralLine, wrongSource } from "../central/index.ts";
import { dumpsConfig, inventoryConfig, notificationsConfig } from "../inbox/index.ts";
import { metricsConfig } from "../metrics/index.ts";
import { parsePool } from "../registry/index.ts";
import { collisions, overlap, parsePlace, viewers } from "./viewers.ts";
import { type WebConfig, webConfig } from "./web.ts";

/** Checkmk's usual ports, which every site's address has. */
const USUAL_SERVICES = {
  livestatus: 6557,
  http: 5000,
  notify: 6555,
  ec: 6558,
  "cmk-agent": 6556,
  broker: 5672,
};

/** What carries short questions and answers is served before what moves files. */
export const BULK_SERVICES: ReadonlySet<string> = new Set(["http", "https"]);

const pool = z
  .string()
  .refine(isPool, "an IPv4 prefix of length 8 to 30, such as 127.64.0.0/16")
  .default("127.64.0.0/16");

function isPool(text: string): boolean {
  try {
    parsePool(text);
    return true;
  } catch {
    return false;
  }
}

function onThisHost(url: string): boolean {
  return /^(127(\.\d+){3}|localhost|\[::1\])$/.test(new URL(url).hostname);
}

const listen = z
  .strictObject({
    address: z.string().default("0.0.0.0"),
    port: portNumber.default(443),
    tls: z.enum(["self", "files", "off"]).default("self"),
    certificate: z.string().optional(),
    key: z.string().optional(),
  })
  .refine(
    (value) => value.tls !== "files" || (value.certificate !== undefined && value.key !== undefined),
    'both certificate and key with tls = "files"',
  )
  .refine(
    (value) => value.tls !== "off" || ["127.0.0.1", "::1"].includes(value.address),
    'address = "127.0.0.1" or "::1" with tls = "off": plain HTTP is for a reverse proxy on this host',
  );

const limits = z.strictObject({
  /** Carriers whose handshake is not finished; more are turned away. */
  handshakes: z.int().min(1).max(100_000).default(256),
  /** The same for one address; many agents may be behind one. */
  handshakes_per_address: z.int().min(1).max(100_000).default(64),
  /** Seconds from a carrier's start to the end of its handshake. */
  handshake_seconds: z.number().min(0.1).max(300).default(10),
  /** Refused enrolments and unknown keys from one address in a minute; more are turned away unheard. */
  refusals_per_minute: z.int().min(1).max(100_000).default(30),
  /** Streams open at once in one site's tunnel. */
  streams: z.int().min(1).max(65_536).default(1024),
  /** Seconds that a session waits for its next carrier. */
  grace_seconds: z.number().min(1).max(3600).default(60),
  /** Seconds after the loss of a carrier for which new clients wait for the next one; then they are refused. */
  hold_seconds: z.number().min(0).max(60).default(5),
  /** Seconds after which agents come back when this hub stops; each adds as much again at random. */
  return_seconds: z.number().min(0).max(300).default(2),
  /** Seconds for what is under way when the hub is stopped. */
  drain_seconds: z.number().min(0).max(300).default(10),
  /** Seconds after which a carrier on which nothing was heard is given up. */
  dead_seconds: z.number().min(1).max(300).default(10),
  /** Minutes an enrolment token can be used. */
  token_minutes: z.number().min(1).max(10_080).default(60),
});

const days = z.int().min(0).max(36_500);

const keys = z
  .strictObject({
    /** Days after which an agent's key is renewed; 0: only when it is asked for. */
    agent_days: days.default(90),
    /** Days after which a key that was not renewed is refused; 0: never. */
    agent_expire_days: days.default(0),
    /** Days after which the hub's own key is renewed; 0: only when it is asked for. */
    hub_days: days.default(0),
    /** Days for which agents may still come with the hub's former key. */
    overlap_days: z.int().min(1).max(3650).default(90),
  })
  .refine(
    ({ agent_days, agent_expire_days }) =>
      agent_expire_days === 0 || (agent_days > 0 && agent_expire_days > agent_days),
    "agent_expire_days longer than agent_days, which is not 0: a key must be renewed before it expires",
  );

const livestatus = z.strictObject({
  /** Questions that reach one site's core at a time. */
  channels: z.int().min(1).max(50).default(5),
  /** Seconds for which a question waits for one of them. */
  channel_timeout_seconds: z.number().min(0.1).max(60).default(3),
  /** Seconds from the first byte of a request to its last. */
  request_seconds: z.number().min(0.1).max(300).default(10),
  /** Seconds after which a client that asks nothing is disconnected. */
  idle_seconds: z.number().min(1).max(86_400).default(300),
  /** Clients of one site connected at once. */
  clients: z.int().min(1).max(65_536).default(1024),
  /** Answers of one tenant's sites kept until their core reloads; 0 keeps none. */
  cache_entries: z.int().min(0).max(1_000_000).default(1000),
  /** MiB for them. */
  cache_mib: z.number().min(0).max(4096).default(16),
  ...policyKeys,
});

const http = z.strictObject({
  /** Services in which the hub understands HTTP; others are bytes. */
  services: z
    .array(
      serviceName.refine(
        (name) => !["livestatus", "https"].includes(name),
        "a service other than livestatus and https",
      ),
    )
    .default(["http"]),
  /** Seconds from the first byte of a request's head to its last. */
  head_seconds: z.number().min(0.1).max(300).default(10),
  /** Seconds after which a client that asks nothing is disconnected. */
  idle_seconds: z.number().min(1).max(86_400).default(60),
  /** Seconds in which nothing of a request or its answer moves before it is given up. */
  answer_seconds: z.number().min(1).max(86_400).default(300),
  /** Clients of one site connected at once. */
  clients: z.int().min(1).max(65_536).default(1024),
  /** Calls of configuration sync that are remembered of each site. */
  syncs: z.int().min(1).max(1000).default(20),
});

const audit = z.strictObject({
  /** Days for which a record is kept. */
  keep_days: z.int().min(1).max(36_500).default(365),
  /** Records that are kept, the newest. */
  keep_rows: z.int().min(1000).max(100_000_000).default(1_000_000),
});

const federation = z.strictObject({
  /** Seconds for which the sites of a query are waited for, unless the client says otherwise. */
  sites_seconds: z.number().min(0.1).max(3600).default(10),
  /** Sites that send at a time for one query. */
  sites: z.int().min(1).max(65_536).default(100),
  /** Queries that are answered at a time. */
  queries: z.int().min(1).max(10_000).default(32),
  /** Clients of one endpoint connected at once. */
  clients: z.int().min(1).max(65_536).default(1024),
  /** MiB of rows and groups that are held until they can be sorted or counted, by all queries. */
  memory_mib: z.number().min(1).max(65_536).default(64),
  /** MiB of one answer, where its length must be told before it; more than 1 goes into a file. */
  largest_answer_mib: z.number().min(0.001).max(65_536).default(512),
});

const problems = z.strictObject({
  /** Seconds from one question to a site to the next, while somebody watches. */
  interval_seconds: z.number().min(0.5).max(60).default(2),
  /** Seconds after which all problems of a site are asked for in any case. */
  refresh_seconds: z.number().min(5).max(3600).default(30),
  /** Seconds in which a site must answer. */
  answer_seconds: z.number().min(0.1).max(300).default(10),
  /** Sites that are asked at a time. */
  sites: z.int().min(1).max(65_536).default(100),
  /** Sites that are asked in a second. */
  sites_per_second: z.number().min(1).max(100_000).default(750),
  /** Hosts, and services, of one site that are held. */
  per_site: z.int().min(1).max(100_000).default(2000),
  /** Hosts and services of all sites that are held. */
  all_sites: z.int().min(1).max(10_000_000).default(100_000),
  /** Who watches at the same time. */
  watchers: z.int().min(1).max(65_536).default(200),
  /** Seconds in which a core must show the effect of a command. */
  confirm_seconds: z.number().min(0.1).max(60).default(10),
});

const history = z.strictObject({
  /** Minutes that are kept of each site, a point for each. */
  minutes: z.int().min(1).max(10_080).default(1440),
  /** Minutes that are kept finer, a point for each five seconds. */
  fine_minutes: z.int().min(1).max(120).default(15),
  /** Carriers of each site's agent that are remembered. */
  connects: z.int().min(1).max(10_000).default(100),
});

const inbox = z.strictObject({
  /** Items of one lane of a site that wait for a sink; then no more are taken from its agent. */
  items: z.int().min(1).max(1_000_000).default(10_000),
  /** MiB of them. */
  mib: z.number().min(0.001).max(65_536).default(64),
  /** Items a second that are taken from one lane of a site. */
  items_per_second: z.number().min(0.1).max(100_000).default(500),
});

const whole = z.strictObject({
  /** How agents reach this hub; it goes into every enrolment token. */
  url: z
    .string()
    .regex(/^wss?:\/\/[^/?#@\s]+$/, { error: "wss://HOST or wss://HOST:PORT, without a path", abort: true })
    .refine((url) => URL.canParse(url), { error: "a valid URL", abort: true })
    // Noise would still protect it, but a firewall team was promised TLS
    .refine((url) => url.startsWith("wss:") || onThisHost(url), "wss://; ws:// is for this host alone"),
  listen: listen.prefault({}),
  endpoints: z.strictObject({ pool }).prefault({}),
  services: z
    .record(serviceName, portNumber)
    .default({})
    .transform((named) => ({ ...USUAL_SERVICES, ...named }) as Record<string, number>)
    .superRefine((ports, context) => {
      const taken = new Map<number, string>();
      for (const [name, port] of Object.entries(ports)) {
        const other = taken.get(port);
        if (other === undefined) taken.set(port, name);
        else {
          const message = `a port of its own, not that of ${other}`;
          context.addIssue({ code: "custom", path: [name], input: port, message });
        }
      }
    }),
  /** What the central side offers to sites, by name; what is not named here does not exist for them. */
  central: z.record(lineName, centralLine).default({}),
  /** Services whose data is compressed between hub and agent; text pays, what is packed already does not. */
  compress: z.array(serviceName).default(["livestatus", "ec"]),
  livestatus: livestatus.prefault({}),
  /** What holds for a tenant's sites, or for one site, instead of what `livestatus` says of all. */
  policy: z.record(ownerName, policyRule).default({}),
  /** Services in which the hub understands HTTP. */
  http: http.prefault({}),
  /** Many sites' Livestatus as one. */
  federation: federation.prefault({}),
  /** What is not well, of all sites. */
  problems: problems.prefault({}),
  /** What was with each site. */
  history: history.prefault({}),
  /** What agents' outboxes send. */
  inbox: inbox.prefault({}),
  notifications: notificationsConfig.prefault({}),
  dumps: dumpsConfig.prefault({}),
  inventory: inventoryConfig.prefault({}),
  /** TCP addresses for viewer sites, each with what is seen there. */
  viewer: viewers,
  /** The web interface; without it there is none. */
  web: webConfig.optional(),
  limits: limits.prefault({}),
  keys: keys.prefault({}),
  audit: audit.prefault({}),
  /** What Prometheus is told. */
  metrics: metricsConfig.prefault({}),
  log: z.strictObject({ level: z.enum(["debug", "info", "warning", "error"]).default("info") }).prefault({}),
});

export const hubConfig = whole.superRefine((config, context) => {
  const { listen, endpoints, services, central, viewer } = config;
  for (const [name, line] of Object.entries(central)) {
    const message = wrongSource(line, endpoints.pool);
    if (message === undefined) continue;
    context.addIssue({ code: "custom", path: ["central", name, "source"], input: line.source, message });
  }
  const taken = { agents: listen, pool: endpoints.pool, ports: services };
  for (const [at, message] of collisions(viewer, taken)) {
    const path = ["viewer", at, "listen"];
    context.addIssue({ code: "custom", path, input: viewer[at]?.listen, message });
  }
  if (config.web) checkWeb(config.web, config, context);
});
export type HubConfig = z.output<typeof hubConfig>;

/** Whether the web interface can be had beside all else. */
function checkWeb(
  web: WebConfig,
  { listen, viewer }: z.output<typeof whole>,
  context: z.RefinementCtx,
): void {
  const place = { host: web.address, port: web.port };
  const others = new Map([
    ["the agents (listen)", { host: listen.address, port: listen.port }],
    ...viewer.map((each, at) => [`viewer.${at}`, parsePlace(each.listen)] as const),
  ]);
  for (const [owner, other] of others) {
    if (!other || !overlap(place, other)) continue;
    const message = `an address and port of its own, not that of ${owner}`;
    context.addIssue({ code: "custom", path: ["web", "port"], input: web.port, message });
  }
  if (web.tls !== "hub" || listen.tls !== "off") return;
  const message = '"files" or "off": the hub has no certificate with listen.tls = "off"';
  context.addIssue({ code: "custom", path: ["web", "tls"], input: web.tls, message });
}
