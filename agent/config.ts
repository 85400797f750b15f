/** What agent.toml may say. The commented reference is docs/agent.toml. */

import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import type { Address } from "../common/address.ts";
import { MOST_LISTENERS } from "../common/handshake/index.ts";
import { ownPolicyKeys } from "../common/livestatus/index.ts";
import { lineName, serviceName } from "../common/names.ts";
import { LARGEST_FILE_MIB } from "../common/outbox/index.ts";
import { parseListenAddress, placeOf } from "./listen/index.ts";
import { NO_PROXY, USER } from "./route/index.ts";
import { parseTarget } from "./service/index.ts";
import { enrolmentName } from "./state.ts";

const target = z
  .string()
  .refine(
    (text) => parseTarget(text) !== undefined,
    '"tcp:HOST:PORT" or "unix:/path", a path of at most 107 bytes',
  )
  .transform((text) => ({ text, address: parseTarget(text) as NonNullable<ReturnType<typeof parseTarget>> }));

const listenAddress = z
  .string()
  .refine(
    (text) => parseListenAddress(text) !== undefined,
    '"tcp:IP:PORT", "udp:IP:PORT" or "unix:/path", a path of at most 107 bytes',
  )
  .transform((text) => ({ text, address: parseListenAddress(text) as Address }));

const listen = z.record(lineName, listenAddress).superRefine((lines, { addIssue }) => {
  const wrong = (name: string, input: string | undefined, message: string) =>
    addIssue({ code: "custom", path: name === "" ? [] : [name], input, message });
  const count = Object.keys(lines).length;
  if (count > MOST_LISTENERS) wrong("", `${count} lines`, `at most ${MOST_LISTENERS}`);
  const taken = new Map<string, string>();
  for (const [name, { text, address }] of Object.entries(lines)) {
    const place = placeOf(address);
    const other = taken.get(place);
    if (other === undefined) taken.set(place, name);
    else wrong(name, text, `an address of its own, not that of ${other}`);
  }
});

const limits = z.strictObject({
  /** Streams open at once, from the hub and to it. */
  streams: z.int().min(1).max(65_536).default(1024),
  /** Seconds to connect to a service's target. */
  connect_seconds: z.number().min(0.1).max(300).default(10),
  /** Seconds that a session waits for its next carrier. */
  grace_seconds: z.number().min(1).max(3600).default(60),
  /** Seconds after which a carrier on which nothing was heard is given up. */
  dead_seconds: z.number().min(1).max(300).default(10),
  /** Seconds for connection and handshake with the hub. */
  handshake_seconds: z.number().min(0.1).max(300).default(20),
  /** Connections to one listener open at once. */
  clients: z.int().min(1).max(65_536).default(256),
  /** Seconds after the loss of a carrier for which connections to listeners wait for the next one. */
  hold_seconds: z.number().min(0).max(60).default(5),
  /** Datagrams of one listener that wait until the line takes them; more push the oldest out. */
  queue_datagrams: z.int().min(1).max(1_000_000).default(5000),
  /** MiB for them. The least takes the longest datagram. */
  queue_mib: z.number().min(0.1).max(1024).default(4),
  /** Seconds for what is under way when the agent is stopped. */
  drain_seconds: z.number().min(0).max(300).default(10),
});

const hub = z.strictObject({
  /** Addresses of the hub, tried in order; the one in the enrolment token when there are none. */
  urls: z
    .array(z.string().regex(/^wss?:\/\/[^/?#@\s]+$/, "wss://HOST or wss://HOST:PORT, without a path"))
    .min(1)
    .max(8)
    .optional(),
});

const carrier = z.strictObject({
  /** Seconds after which the connection is replaced by a fresh one, for proxies that cut at a fixed age. */
  max_age_seconds: z.number().min(1).max(604_800).optional(),
  /** What carries the session; "auto": a WebSocket, or plain HTTPS requests where those do not get through. */
  kind: z.enum(["auto", "websocket", "https"]).default("auto"),
  /** Seconds between two tries of the WebSocket while HTTPS serves. */
  websocket_retry_seconds: z.number().min(1).max(86_400).default(300),
});

const PROXY_URL = /^https?:\/\/[^/?#@\s:]+:\d{1,5}$|^https?:\/\/\[[\da-fA-F:.]+\]:\d{1,5}$/;

const proxy = z
  .strictObject({
    /** The HTTP proxy through which the hub is reached, or "none". It wins over the environment. */
    url: z
      .string()
      .refine(
        (text) => text === NO_PROXY || PROXY_URL.test(text),
        `"http://HOST:PORT", "https://HOST:PORT" or "${NO_PROXY}"; user and password have keys of their own`,
      )
      .optional(),
    user: z.string().max(255).regex(USER, "a user name without a colon").optional(),
    /** A file with the password, which only the agent's user may read. */
    password_file: z.string().optional(),
    /** Whether HTTPS_PROXY and NO_PROXY count where there is no url. */
    from_environment: z.boolean().default(true),
  })
  .superRefine(({ url, user, password_file }, { addIssue }) => {
    const missing = (key: string, message: string) =>
      addIssue({ code: "custom", path: [key], input: undefined, message });
    if (user !== undefined && password_file === undefined) missing("password_file", "a file, with a user");
    if (user === undefined && password_file !== undefined) missing("user", "a name, with a password_file");
    if (user !== undefined && (url === undefined || url === NO_PROXY)) missing("url", "a proxy, with a user");
  });

const probe = z
  .strictObject({
    /** Seconds within which a change of the core's state is noticed. */
    interval_seconds: z.number().min(1).max(3600).default(5),
    /** Seconds for the core's answer. */
    timeout_seconds: z.number().min(0.1).max(60).default(2),
  })
  // what is left of the interval is the wait between two questions
  .refine(
    (value) => value.timeout_seconds * 2 <= value.interval_seconds,
    "timeout_seconds at most half of interval_seconds",
  );

const notifications = z.strictObject({
  /** The site's spool folder, from which notifications marked for forwarding are taken. */
  spool: z.string().startsWith("/", "an absolute path").optional(),
  /** Where files go that cannot be read; by default the folder `corrupted` beside the spool. */
  corrupted: z.string().startsWith("/", "an absolute path").optional(),
});

const words = z.array(z.string().min(1)).min(1);

const dumps = z
  .strictObject({
    /** What status dumps are made of: what the core says itself, or what Checkmk's programs print. */
    source: z.enum(["livestatus", "livedump", "cmcdump"]).default("livestatus"),
    /** The core's Livestatus; without it, and without another source, there are none. */
    livestatus: target.optional(),
    /** The program and its arguments, run without a shell. */
    command: words.optional(),
    /** The same for the configuration of hosts, of which livedump's alias and address are. */
    objects_command: words.optional(),
    /** Seconds between two dumps. */
    interval_seconds: z.number().min(1).max(86_400).default(60),
    /** Minutes after which one has everything, changed or not. */
    full_minutes: z.number().min(1).max(10_080).default(60),
    /** Seconds for an answer of the core, or a run of the program. */
    timeout_seconds: z.number().min(0.1).max(600).default(30),
  })
  .refine(
    ({ source, command }) => source === "livestatus" || command !== undefined,
    'command, or source = "livestatus"',
  );

const inventory = z
  .strictObject({
    /** Where they are read: as files of `folder` and `archive`, or of the core, where those cannot be. */
    source: z.enum(["files", "livestatus"]).default("files"),
    /** The site's folder of inventories; without it, or without `livestatus`, nothing is mirrored. */
    folder: z.string().startsWith("/", "an absolute path").optional(),
    /** Its folder of what inventories were before; not mirrored unless it is named. */
    archive: z.string().startsWith("/", "an absolute path").optional(),
    /** The core's Livestatus. */
    livestatus: target.optional(),
    /** Seconds between two looks. */
    interval_seconds: z.number().min(1).max(86_400).default(300),
    /** Minutes after which agent and hub agree anew on what the hub has. */
    compare_minutes: z.number().min(1).max(44_640).default(1440),
    /** Hours for which the hub keeps files when many are gone at once. */
    hold_hours: z.number().min(0).max(8760).default(24),
    /** Files in all, and MiB of one; others are left where they are. */
    files: z.int().min(1).max(10_000_000).default(100_000),
    file_mib: z.number().min(0.001).max(LARGEST_FILE_MIB).default(8),
    /** Seconds for an answer of the core. */
    timeout_seconds: z.number().min(0.1).max(600).default(30),
  })
  .superRefine(({ source, folder, archive, livestatus }, { addIssue }) => {
    const missing = (key: string, message: string) =>
      addIssue({ code: "custom", path: [key], input: undefined, message });
    const files = source === "files";
    if (files && folder === undefined && (archive !== undefined || livestatus)) {
      missing("folder", 'a folder, or source = "livestatus"');
    }
    if (!files && !livestatus) missing("livestatus", "a core's Livestatus, as that is the source");
  });

const outbox = z.strictObject({
  /** Items of one lane on this host's disk; more stay where they came from. */
  items: z.int().min(1).max(1_000_000).default(100_000),
  /** MiB of them. */
  mib: z.number().min(0.001).max(65_536).default(256),
  /** Hours after which an item that the hub did not take is given up. */
  hours: z.number().min(0.01).max(8_760).default(168),
  /** Items a second that go to the hub, of all lanes of a site. */
  items_per_second: z.number().min(0.1).max(100_000).default(500),
  /** KiB a second of them; as much as the line takes when nothing is said. */
  kib_per_second: z.number().min(1).max(1_048_576).optional(),
});

/** What is said of one site: at the top level where this agent serves one, below [sites.NAME] where several. */
const siteKeys = {
  /** Lets no stream from the hub in, whatever the services are. */
  push_only: z.boolean().default(false),
  hub: hub.prefault({}),
  /** The local targets that exist for the hub; what is not named here does not. */
  services: z.record(serviceName, target).default({}),
  /** Where connections and datagrams for the central side are taken, by line; the hub says what is behind each. */
  listen: listen.default({}),
  /** What the hub may ask of the service livestatus; as long as nothing is said, its bytes are not looked at. */
  livestatus: z.strictObject(ownPolicyKeys).prefault({}),
  probe: probe.prefault({}),
  notifications: notifications.prefault({}),
  dumps: dumps.prefault({}),
  inventory: inventory.prefault({}),
};
/** The names of these keys. */
export const SITE_KEYS: readonly string[] = Object.keys(siteKeys);
const site = z.strictObject(siteKeys);
export type SiteConfig = z.output<typeof site>;

/** What counts for a site of which nothing is said. */
export const NO_SITE_CONFIG: SiteConfig = site.parse({});

const whole = z.strictObject({
  carrier: carrier.prefault({}),
  proxy: proxy.prefault({}),
  ...siteKeys,
  /** Several sites, by the names of their enrolments. */
  sites: z.record(enrolmentName, site).default({}),
  /** What waits on this host's disk until the hub has it, for each site. */
  outbox: outbox.prefault({}),
  /** An authority file (PEM) that vouches for the hub's certificate, besides the system's. */
  ca_file: z.string().optional(),
  limits: limits.prefault({}),
  log: z.strictObject({ level: z.enum(["debug", "info", "warning", "error"]).default("info") }).prefault({}),
});

/** What is wrong at a key. */
interface Problem {
  path: string[];
  input: string;
  message: string;
}

export const agentConfig = whole.superRefine((config, { addIssue }) => {
  const sites = Object.entries(config.sites).map(([name, of]) => ({ path: ["sites", name], of }));
  const problems =
    sites.length === 0
      ? placeProblems([{ path: [], of: config }])
      : [...topLevelProblems(config), ...placeProblems(sites)];
  for (const problem of problems) addIssue({ code: "custom", ...problem });
});
export type AgentConfig = z.output<typeof agentConfig>;

/** The tables of one site at the top level that say anything but their defaults. */
export function topLevelKeys(config: SiteConfig): (keyof SiteConfig)[] {
  const keys = Object.keys(siteKeys) as (keyof SiteConfig)[];
  return keys.filter((key) => !isDeepStrictEqual(config[key], NO_SITE_CONFIG[key]));
}

function topLevelProblems(config: SiteConfig): Problem[] {
  return topLevelKeys(config).map((key) => ({
    path: [key],
    input: `[${key}]`,
    message: `nothing at the top level beside [sites]; move it to [sites.NAME.${key}]`,
  }));
}

/** Listeners that would lead back into the tunnel, or that two sites have at one address. */
function placeProblems(tables: readonly { path: string[]; of: SiteConfig }[]): Problem[] {
  const targets = new Map(
    tables.flatMap(({ of }) => Object.entries(of.services).map(([name, { text }]) => [text, name])),
  );
  const takenBy = new Map<string, string[]>();
  return tables.flatMap(({ path, of }) =>
    Object.entries(of.listen).flatMap(([name, { text, address }]) => {
      const place = placeOf(address);
      const problem = (message: string) => ({ path: [...path, "listen", name], input: text, message });
      const service = targets.get(place) ?? targets.get(text);
      const other = takenBy.get(place);
      takenBy.set(place, path);
      return [
        ...(service === undefined
          ? []
          : [
              problem(
                `another address than the target of the service ${service}, which would lead back to it`,
              ),
            ]),
        // within one table it is said of that table
        ...(other && other !== path
          ? [problem(`an address of its own, not that of ${other.join(".")}`)]
          : []),
      ];
    }),
  );
}

/** What `enroll` writes when there is no configuration yet. */
export const INITIAL_CONFIG = `# Farsite agent. Every key is explained in agent.toml of the documents
# (/usr/share/doc/farsite-agent/agent.toml).

# What the hub may reach on this side, by name. Anything not named here does not exist for it.
# Targets are "unix:/path" or "tcp:HOST:PORT"; farsite-agent detect finds those of this host.
[services]
# livestatus = "unix:/omd/sites/SITE/tmp/run/live"
# http = "tcp:127.0.0.1:5000"
`;
