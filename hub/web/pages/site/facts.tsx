/** @jsxImportSource hono/jsx */
/** What is known of a site's tunnel, its core and its policy. */
import type { SeenDetails } from "../../../access/index.ts";
import { bytes, count, latency, span } from "../../view/index.ts";
import { Badge, Facts, Moment, Since } from "../parts/index.ts";
import type { SitePageView } from "./view.ts";

/** ms of difference between clocks that nobody need know of. */
const SMALL_SKEW = 2_000;

const CARRIERS: Readonly<Record<string, string>> = {
  websocket: "WebSocket over TLS",
  https: "HTTPS requests (something on the way lets no WebSocket pass)",
};
/** Protocol of the tunnel within TLS; see docs/protocol.md. */
const CIPHER = "Noise IK: X25519, AES-256-GCM, SHA-256; within TLS";

const STATES = {
  connected: ["ok", "connected"],
  interrupted: ["warn", "interrupted"],
  disconnected: ["crit", "disconnected"],
  never: ["idle", "never connected"],
  disabled: ["idle", "disabled"],
} as const;

export function Connection({ view: { site }, now }: { view: SitePageView; now: number }) {
  const { agent, carrier, peer, rtt, since, lastSeen, reason, listens = {} } = site;
  const [tone, text] = STATES[site.state];
  const heard = Object.keys(listens);
  return (
    <Facts
      facts={[
        [
          "Tunnel",
          <>
            <Badge tone={tone} text={text} /> {since !== undefined && <Since at={since} now={now} />}
          </>,
        ],
        ["Why", reason],
        ["Carrier", carrier && (CARRIERS[carrier] ?? carrier)],
        ["Encryption", carrier && CIPHER],
        ["From", peer],
        ["Round trip", rtt === undefined ? undefined : latency(rtt)],
        ["Streams now", count(site.streams)],
        [
          "Agent",
          agent && (
            <>
              {agent.version} on {agent.host}{" "}
              {site.update && <b class="mark strong">older than the hub: update it</b>}
            </>
          ),
        ],
        [
          "Its clock",
          agent && Math.abs(agent.clockSkew) > SMALL_SKEW
            ? `${span(Math.abs(agent.clockSkew))} ${agent.clockSkew > 0 ? "ahead" : "behind"}`
            : undefined,
        ],
        ["Offers", site.offers.length > 0 ? site.offers.join(", ") : undefined],
        ["Listens for", heard.length > 0 ? heard.join(", ") : undefined],
        ["Mode", site.pushOnly ? "push-only: its agent lets no stream in" : undefined],
        ["Enrolled", site.enrolled ? "yes" : "no: its agent needs a token"],
        ["Last seen", lastSeen && site.state !== "connected" ? <Moment at={lastSeen} /> : undefined],
      ]}
    />
  );
}

export function Monitoring({ site, now }: { site: SeenDetails; now: number }) {
  const { livestatus, requests } = site;
  const { core } = livestatus;
  return (
    <Facts
      facts={[
        ["Core", core && (core.program === "" ? "does not say" : core.program)],
        ["Livestatus", core?.livestatus ? core.livestatus : undefined],
        [
          "Watches",
          core?.hosts === undefined
            ? undefined
            : `${count(core.hosts)} hosts, ${count(core.services ?? 0)} services`,
        ],
        [
          "Configuration",
          core && (
            <>
              loaded <Since at={new Date(core.started * 1000).toISOString()} now={now} /> ago
            </>
          ),
        ],
        ["Not online", core ? undefined : (livestatus.reason ?? livestatus.state)],
        ["Clients", requests && count(requests.clients)],
        ["Questions", requests && `${count(requests.requests)} asked, ${count(requests.refused)} refused`],
        ["With the core", requests && `${count(requests.busy)}, ${count(requests.waiting)} waiting`],
        [
          "Cache",
          requests &&
            `${count(requests.cacheHits)} answered, ${count(requests.cacheMisses)} not; ${bytes(requests.cacheBytes)}`,
        ],
      ]}
    />
  );
}

/** As it would stand in hub.toml, in words that can be broken into lines. */
export function Policy({ policy }: { policy: SeenDetails["policy"] }) {
  return (
    <Facts
      facts={Object.entries(policy).map(([key, value]) => [
        key.replaceAll("_", " "),
        Array.isArray(value) ? value.join(", ") : String(value),
      ])}
    />
  );
}
