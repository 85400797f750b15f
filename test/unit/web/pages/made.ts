/** Sites as the hub would tell of them, for pages. The same each time. */
import type { SeenSite } from "../../../../hub/access/index.ts";
import type { SiteSpark } from "../../../../hub/history/index.ts";

export const NOW = Date.UTC(2026, 2, 1, 12);

const STATES = ["online", "dead", "down", "unreach", "waiting", "unknown", "disabled"] as const;
const REASONS: Record<(typeof STATES)[number], string | undefined> = {
  online: undefined,
  dead: "[Errno 111] Connection refused",
  down: "the agent stopped: SIGTERM",
  unreach: "nothing was heard for 15 s",
  waiting: "the agent has not said yet how its core is",
  unknown: "no agent is enrolled",
  disabled: "the site is disabled at the hub",
};
const CORES = ["Check_MK 2.4.0p12", "Icinga r2.14.3-1", "Nagios 4.4.6", "Check_MK 2.3.0p34"];

/** `count` sites of tenants with 12 each; most are well. */
export function madeSites(count: number): SeenSite[] {
  return Array.from({ length: count }, (_, at) => madeSite(at));
}

export function madeSite(at: number, changes: Partial<SeenSite> = {}): SeenSite {
  const state = STATES[at % 9 === 4 ? (Math.floor(at / 9) % 6) + 1 : 0] ?? "online";
  const there = !["down", "unreach", "unknown", "disabled"].includes(state);
  const reason = REASONS[state];
  return {
    tenant: `tenant-${String(Math.floor(at / 12)).padStart(3, "0")}`,
    site: `${["berlin", "wien", "lyon", "oslo", "gent", "porto"][at % 6]}_${at}`,
    address: `127.64.${Math.floor(at / 250)}.${(at % 250) + 1}`,
    services: ["livestatus", "http", "notify"],
    enrolled: state !== "unknown",
    streams: there ? at % 5 : 0,
    offers: there ? ["livestatus", "http", "notify"] : [],
    state:
      state === "unknown"
        ? "never"
        : there
          ? "connected"
          : state === "disabled"
            ? "disabled"
            : "disconnected",
    since: new Date(NOW - (at + 1) * 977_000).toISOString(),
    lastSeen: new Date(NOW - 5_000).toISOString(),
    ...(there && {
      peer: `198.51.100.${at % 250}`,
      carrier: at % 7 === 0 ? "https" : "websocket",
      rtt: 4 + ((at * 37) % 180) + (at % 10) / 10,
      agent: { version: at % 11 === 0 ? "0.0.9" : "0.1.0", host: `mon${at}.example.com`, clockSkew: 12 },
    }),
    ...(there && at % 11 === 0 && { update: true as const }),
    central: [],
    livestatus: {
      state,
      since: new Date(NOW - (at + 1) * 977_000).toISOString(),
      ...(reason !== undefined && { reason }),
      ...(state === "dead" && { cause: "stopped" as const }),
      ...(state === "online" && {
        core: {
          started: NOW / 1000 - 86_400,
          pid: 4711,
          program: CORES[at % CORES.length] ?? "",
          livestatus: "1.2",
          hosts: 20 + ((at * 13) % 400),
          services: 400 + ((at * 131) % 9000),
        },
      }),
    },
    inbox: [
      {
        lane: "notify",
        waiting: at % 50 === 3 ? at * 7 : 0,
        bytes: 0,
        received: at * 31,
        receivedPerMinute: at % 4,
        oldest: undefined,
        refused: 0,
        damaged: 0,
        problem: at % 50 === 3 ? "the disk is full" : undefined,
        sinks: [],
      },
    ],
    ...changes,
  };
}

export function madeSpark(at: number): SiteSpark {
  const values = (low: number, high: number) =>
    Array.from({ length: 60 }, (_, step) => low + ((Math.sin(step / 3 + at) + 1) / 2) * (high - low));
  return {
    until: NOW,
    step: 60_000,
    rtt: values(10, 60),
    received: values(900, 90_000 * (at % 9)),
    sent: values(90, 900),
    latency: values(1, 9),
  };
}
