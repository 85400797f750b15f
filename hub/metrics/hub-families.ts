/** What is told of the hub as a whole: nothing in it says which tenants or sites there are. */

import { LATENCIES, STATE_WORDS } from "../livestatus/index.ts";
import { type AnyFamily, counter, gauge, type Sample } from "./exposition.ts";
import type { Sources } from "./sources.ts";

/** Kinds of carrier that are told also when there is none. */
const CARRIERS = ["websocket", "https"];
const PERCENTILES = [50, 90, 99];

export function hubFamilies(sources: Sources): AnyFamily[] {
  return [...about(sources), ...tunnels(sources), ...livestatus(sources), ...inbox(sources)];
}

function about({
  version,
  refused,
  livestatus,
  audit,
  certificateEnds,
  endpoints,
  logins,
}: Sources): AnyFamily[] {
  const { newest, failures } = audit();
  const ends = certificateEnds();
  const states = endpoints.states();
  const failed = states.filter(({ state }) => state === "failed").length;
  const all = { livestatus: sum(livestatus.totals.values(), (totals) => totals.refused), ...refused() };
  return [
    gauge("farsite_build_info", "Release of the hub, and of its runtime", [
      { value: 1, labels: { version, runtime: Bun.version } },
    ]),
    gauge("farsite_endpoints", "Addresses of sites' services, by whether they could be opened", [
      { value: states.length - failed, labels: { state: "listening" } },
      { value: failed, labels: { state: "failed" } },
    ]),
    gauge(
      "farsite_endpoint_clients",
      "Connections to them",
      states.reduce((clients, each) => clients + each.clients, 0),
    ),
    counter(
      "farsite_refused_total",
      "What was not let through, by what it was for",
      labelled("kind", Object.entries(all)),
    ),
    counter("farsite_audit_records_total", "Number of the newest record of the audit", newest),
    counter("farsite_audit_failures_total", "Records of the audit that could not be written", failures),
    ...(ends === undefined
      ? []
      : [
          gauge(
            "farsite_certificate_end_timestamp_seconds",
            "When the certificate that agents see ends",
            ends / 1000,
          ),
        ]),
    ...(logins
      ? [
          counter(
            "farsite_logins_total",
            "Logins at the web interface",
            labelled("result", Object.entries(logins())),
          ),
        ]
      : []),
  ];
}

function tunnels({ sites, tunnels, handshakes, admission }: Sources): AnyFamily[] {
  const words = new Map<string, number>(STATE_WORDS.map((word) => [word, 0]));
  const carriers = new Map<string, number>(CARRIERS.map((kind) => [kind, 0]));
  const rtts: number[] = [];
  let streams = 0;
  let interrupted = 0;
  for (const { site, current } of sites.records()) {
    words.set(current.state, (words.get(current.state) ?? 0) + 1);
    const tunnel = tunnels.state(site.id);
    streams += tunnel.streams;
    if (tunnel.state === "interrupted") interrupted++;
    if (tunnel.carrier !== undefined) carriers.set(tunnel.carrier, (carriers.get(tunnel.carrier) ?? 0) + 1);
    if (tunnel.rtt !== undefined) rtts.push(tunnel.rtt);
  }
  rtts.sort((a, b) => a - b);
  const { counts } = tunnels;
  return [
    gauge("farsite_sites", "Sites by state, in Checkmk's words", labelled("state", words)),
    gauge(
      "farsite_tunnels",
      "Sites whose agent is connected, by kind of carrier",
      labelled("carrier", carriers),
    ),
    gauge("farsite_tunnels_interrupted", "Sessions that wait for their next carrier", interrupted),
    counter("farsite_sessions_total", "Sessions that agents began", counts.sessions),
    counter("farsite_sessions_ended_total", "Sessions that ended", counts.ended),
    counter("farsite_carriers_total", "Carriers that were taken up", counts.carriers),
    counter("farsite_carriers_lost_total", "Carriers that were lost", counts.carriersLost),
    gauge("farsite_streams", "Streams open in all tunnels", streams),
    counter(
      "farsite_stream_bytes_total",
      "Bytes that streams carried, before compression, by service and direction",
      traffic(tunnels.streams.all()),
    ),
    gauge(
      "farsite_rtt_seconds",
      "Round-trip time of the connected sites now: of so large a part of them it is at most so long",
      rtts.length === 0
        ? []
        : PERCENTILES.map((percent) => ({
            value: (rtts[Math.ceil((percent * rtts.length) / 100) - 1] ?? 0) / 1000,
            labels: { percentile: String(percent) },
          })),
    ),
    counter(
      "farsite_handshakes_total",
      "Handshakes of agents, by result: ok, or the code of the error",
      labelled("result", handshakes.results),
    ),
    gauge("farsite_handshakes_open", "Handshakes that are not over", admission.open),
    counter(
      "farsite_handshakes_turned_away_total",
      "Carriers turned away unheard, by a limit",
      admission.turnedAway,
    ),
    counter("farsite_enrolments_total", "Agents that enrolled", handshakes.enrolments),
  ];
}

function traffic(all: ReturnType<Sources["tunnels"]["streams"]["all"]>): Sample[] {
  const services = new Map<string, { received: number; sent: number }>();
  for (const { service, traffic } of all) {
    const before = services.get(service) ?? { received: 0, sent: 0 };
    services.set(service, { received: before.received + traffic.received, sent: before.sent + traffic.sent });
  }
  return [...services].flatMap(([service, { received, sent }]) => [
    { value: received, labels: { service, direction: "from_site" } },
    { value: sent, labels: { service, direction: "to_site" } },
  ]);
}

function livestatus({ livestatus: { totals, now } }: Sources): AnyFamily[] {
  const all = [...totals.values()];
  return [
    counter(
      "farsite_livestatus_requests_total",
      "Requests of Livestatus clients",
      sum(all, (each) => each.requests),
    ),
    counter(
      "farsite_livestatus_commands_total",
      "Commands among them that were let through",
      sum(all, (each) => each.commands),
    ),
    counter(
      "farsite_livestatus_failed_total",
      "Questions that a core did not answer, or not to the end",
      sum(all, (each) => each.failed),
    ),
    {
      name: "farsite_livestatus_query_seconds",
      type: "histogram",
      help: "From a question to a core, its wait for a channel included, to the whole answer",
      bounds: LATENCIES,
      counts: LATENCIES.map((_, at) => sum(all, (each) => each.latencies[at] ?? 0)),
      count: sum(all, (each) => each.answered),
      sum: sum(all, (each) => each.seconds),
    },
    gauge("farsite_livestatus_clients", "Livestatus clients connected", now.clients),
    gauge("farsite_livestatus_busy", "Questions that are with a core", now.busy),
    gauge("farsite_livestatus_waiting", "Questions that wait for a channel", now.waiting),
    counter(
      "farsite_livestatus_cache_hits_total",
      "Queries answered without the core",
      sum(all, (each) => each.cacheHits),
    ),
    counter(
      "farsite_livestatus_cache_misses_total",
      "Queries that could have been",
      sum(all, (each) => each.cacheMisses),
    ),
    gauge("farsite_livestatus_cache_entries", "Answers that are kept", now.cacheEntries),
    gauge("farsite_livestatus_cache_bytes", "Bytes of them", now.cacheBytes),
  ];
}

function inbox({ inbox }: Sources): AnyFamily[] {
  const lanes = [...inbox.lanes()];
  const sinks = lanes.flatMap(([lane, { sinks }]) =>
    [...sinks].map(([sink, counts]) => ({ labels: { lane, sink }, ...counts })),
  );
  const ofLanes = (value: (counts: (typeof lanes)[number][1]) => number) =>
    labelled(
      "lane",
      lanes.map(([lane, counts]) => [lane, value(counts)] as const),
    );
  return [
    gauge(
      "farsite_inbox_letters",
      "Letters that a sink does not have yet, by lane",
      ofLanes(({ waiting }) => waiting),
    ),
    gauge(
      "farsite_inbox_bytes",
      "Bytes of them",
      ofLanes(({ bytes }) => bytes),
    ),
    gauge(
      "farsite_inbox_lag_seconds",
      "For how long the first of a site's letters has been the first, where that is longest",
      ofLanes(({ stuck }) => stuck / 1000),
    ),
    counter(
      "farsite_inbox_received_total",
      "Letters received, by lane",
      ofLanes(({ received }) => received),
    ),
    counter(
      "farsite_inbox_landed_total",
      "Letters that a sink has taken",
      sinks.map(({ labels, landed }) => ({ labels, value: landed })),
    ),
    counter(
      "farsite_inbox_failed_total",
      "Letters that a sink will never take",
      sinks.map(({ labels, failed }) => ({ labels, value: failed })),
    ),
    gauge(
      "farsite_inbox_blocked_sites",
      "Sites for which a sink takes nothing now",
      sinks.map(({ labels, blocked }) => ({ labels, value: blocked })),
    ),
  ];
}

function labelled(name: string, values: Iterable<readonly [string, number]>): Sample[] {
  return [...values].map(([text, value]) => ({ value, labels: { [name]: text } }));
}

function sum<T>(all: Iterable<T>, value: (each: T) => number): number {
  let total = 0;
  for (const each of all) total += value(each);
  return total;
}
