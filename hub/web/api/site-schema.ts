/** A site, as the API shows it. */

import { z } from "zod";
import { CORE_CAUSES } from "../../../common/core.ts";
import type { SeenDetails, SeenSite } from "../../access/index.ts";
import { instant, time } from "./schema.ts";

export const TUNNEL_STATES = ["connected", "interrupted", "disconnected", "disabled", "never"] as const;
export const SITE_STATES = ["online", "dead", "down", "unreach", "waiting", "unknown", "disabled"] as const;

const count = z.int().min(0);

const sink = z.object({
  sink: z.string(),
  kind: z.string(),
  waiting: count,
  landed: count.describe("Since the hub's start"),
  landedPerMinute: z.number(),
  failed: count,
  holds: z
    .object({
      files: count,
      bytes: count,
      complete: time.optional().describe("When the site last told that everything is there"),
    })
    .optional()
    .describe("What it has of the site, where it keeps that"),
  problem: z.string().optional().describe("Why it takes nothing now"),
  note: z.string().optional().describe("What it cannot do for this site, though it takes its letters"),
});

const box = z.object({
  lane: z.string(),
  waiting: count.describe("Letters that some sink does not have yet"),
  bytes: count,
  oldest: time.optional().describe("When the oldest of them came to be, by the agent's clock"),
  stuck: z.number().optional().describe("ms for which the first of them has been the first"),
  received: count.describe("Since the hub's start"),
  receivedPerMinute: z.number(),
  refused: count,
  damaged: count,
  problem: z.string().optional().describe("Why nothing more is taken"),
  note: z.string().optional().describe("What of letters that were taken counts for nothing"),
  sinks: z.array(sink).describe("Empty without the right `hub`"),
});

const line = z.object({
  line: z.string(),
  target: z.string(),
  from: z.string().optional(),
  open: count.describe("Streams now"),
  opened: count,
  limited: count,
  unreachable: count,
  datagrams: z.object({ received: count, sent: count, dropped: count, lost: count }).optional(),
});

const requests = z.object({
  clients: count,
  busy: count,
  waiting: count,
  requests: count,
  refused: count,
  cacheHits: count,
  cacheMisses: count,
  cacheEntries: count,
  cacheBytes: count,
});

const core = z.object({
  started: time.optional().describe("When its configuration was loaded, by its clock"),
  pid: count.optional(),
  program: z.string().describe("Its release; empty when it does not say"),
  livestatus: z.string(),
  hosts: count.optional(),
  services: count.optional(),
});

const shape = {
  tenant: z.string(),
  site: z.string(),
  address: z.string().optional().describe("Only with the right `hub`"),
  services: z.array(z.string()),
  enrolled: z.boolean(),
  key: z
    .object({ id: z.string().describe("The first 16 hexadecimal digits"), since: time })
    .optional()
    .describe("Of its agent"),
  state: z.enum(TUNNEL_STATES).describe("Of its agent's tunnel"),
  since: time.optional(),
  lastSeen: time.optional(),
  reason: z.string().optional().describe("Why it is not connected"),
  peer: z.string().optional().describe("Address from which the agent came"),
  carrier: z.string().optional(),
  rtt: z.number().optional().describe("ms to the agent and back"),
  streams: count,
  agent: z
    .object({
      version: z.string(),
      host: z.string(),
      clockSkew: z.number().describe("Its clock less the hub's, ms"),
    })
    .optional(),
  offers: z.array(z.string()).describe("Services that the agent offers"),
  listens: z
    .record(z.string(), z.enum(["tcp", "udp"]))
    .optional()
    .describe("Lines to the central side"),
  pushOnly: z.boolean().optional().describe("The agent lets no stream in"),
  update: z.literal(true).optional().describe("The agent is of an older release than the hub"),
  central: z.array(line).optional().describe("Only with the right `hub`"),
  livestatus: z
    .object({
      state: z.enum(SITE_STATES),
      reason: z.string().optional(),
      cause: z.enum(CORE_CAUSES).optional().describe("What is wrong with a dead core"),
      core: core.optional(),
      since: time,
    })
    .describe("The site as Livestatus clients find it, in Checkmk's words"),
  requests: requests.optional().describe("What Livestatus clients have asked since the hub's start"),
  inbox: z.array(box).describe("What the agent's outbox has sent, by lane"),
};

const limits = {
  longest_request_mib: z.number().optional(),
  largest_answer_mib: z.number().optional(),
  requests_per_second: z.number().optional(),
  query_timeout_seconds: z.number().optional(),
};

export const site = z.object(shape).meta({ id: "Site" });

export const siteDetails = z
  .object({
    ...shape,
    policy: z
      .object({
        commands: z.union([z.enum(["all", "none"]), z.array(z.string())]),
        tables: z.union([z.literal("all"), z.array(z.string())]),
        ...limits,
      })
      .describe("What may be asked of its core"),
    syncs: z
      .array(
        z.object({
          kind: z.enum(["state", "receive", "activate"]),
          command: z.string(),
          time,
          seconds: z.number(),
          sent: count.describe("Bytes to the site"),
          received: count,
          status: z.int().optional(),
          ok: z.boolean(),
          reason: z.string().optional(),
        }),
      )
      .readonly()
      .describe("The last calls of configuration sync since the hub's start, the oldest first"),
  })
  .meta({ id: "SiteDetails" });

export function siteOf(seen: SeenSite): z.input<typeof site> {
  return { ...seen, ...changed(seen) };
}

export function detailsOf(seen: SeenDetails): z.input<typeof siteDetails> {
  return { ...seen, ...changed(seen) };
}

/** A core's clock may say anything. */
function changed({ livestatus }: SeenSite) {
  const { core, ...rest } = livestatus;
  if (!core) return { livestatus: rest };
  return { livestatus: { ...rest, core: { ...core, started: instant(core.started * 1_000) } } };
}
