/** The table `sites`, as LMD has it (there also `backends`): the hub itself knows how each site is. */

import type { StateWord } from "../index.ts";
import { combined, resolve } from "./expression.ts";
import { HUB_COLUMNS, hubValue, type Peer } from "./peer.ts";
import type { Query, Stat } from "./query.ts";
import type { Local } from "./run.ts";
import type { Part, StatsPlan } from "./stats.ts";
import type { Row, Value } from "./value.ts";

export const PEER_TABLES: ReadonlySet<string> = new Set(["sites", "backends"]);

/** How a site is. */
export interface PeerState {
  /** In Checkmk's words. */
  state: StateWord;
  /** Queries can be answered now. */
  up: boolean;
  /** It has never been there. */
  pending: boolean;
  /** Why it is not up. */
  reason: string | undefined;
  /** ms since the epoch: of its state, and when it was there last. */
  since: number;
  lastOnline: number;
  address: string;
  /** ms to its agent and back. */
  rtt: number | undefined;
  /** Since the start of the hub. */
  queries: number;
}

/** LMD's words for a status. */
const UP = 0;
const DOWN = 2;
const PENDING = 4;

const seconds = (ms: number) => Math.floor(ms / 1_000);

/** What LMD has besides, and means nothing here, is there as well: its clients ask for all of it. */
const COLUMNS: Readonly<Record<string, (state: PeerState, peer: Peer) => Value>> = {
  ...Object.fromEntries([...HUB_COLUMNS].map((name) => [name, (_, peer) => hubValue(peer, name) ?? null])),
  key: (_, peer) => peer.key,
  name: (_, peer) => peer.key,
  addr: (state) => state.address,
  state: (state) => state.state,
  since: (state) => seconds(state.since),
  status: (state) => (state.up ? UP : state.pending ? PENDING : DOWN),
  last_error: (state) => (state.up ? "" : (state.reason ?? "")),
  last_online: (state) => seconds(state.lastOnline),
  last_update: (state) => seconds(state.lastOnline),
  last_query: () => 0,
  queries: (state) => state.queries,
  response_time: (state) => (state.rtt ?? 0) / 1_000,
  bytes_send: () => 0,
  bytes_received: () => 0,
  idling: () => 0,
  section: () => "",
  parent: () => "",
  lmd_version: () => "",
  configtool: () => ({}),
  thruk: () => ({}),
  federation_key: () => [],
  federation_name: () => [],
  federation_addr: () => [],
  federation_type: () => [],
};

/** The rows of the table that a query asks for. @throws Refusal a condition that means nothing */
export function peersTable(peers: readonly Peer[], stateOf: (peer: Peer) => PeerState, query: Query): Local {
  const columns = Object.keys(COLUMNS);
  const filter = combined("and", query.filters);
  const stats = query.stats.length > 0 ? planOf(query.stats) : undefined;
  const rows = peers.flatMap((peer, index) => {
    const state = stateOf(peer);
    const known = (column: string) => (Object.hasOwn(COLUMNS, column) ? COLUMNS[column]?.(state, peer) : "");
    const met = resolve(filter, (column) => scalar(known(column) ?? ""));
    if (met.kind !== "constant" || !met.value) return [];
    const row = columns.map((column) => known(column) ?? null);
    const cells = stats ? cellsOf(query.stats, stats, (column) => scalar(known(column) ?? "")) : [];
    const source = { peer, index, columns, stats, deviation: "sample" as const };
    return [{ source, row: [...row, ...cells] }];
  });
  return { columns, rows };
}

/** Lists and dictionaries are compared as text: they are empty here. */
function scalar(value: Value): number | string {
  return typeof value === "number" ? value : typeof value === "string" ? value : JSON.stringify(value);
}

/** Each row is a site's answer of its own: its value, the same as a sum, and the number of rows. */
function planOf(stats: readonly Stat[]): StatsPlan {
  const parts = stats.map((stat, at): Part => {
    const aggregate = stat.kind === "aggregate";
    const operation = aggregate ? stat.operation : "count";
    const sums = operation === "avg" || operation === "std" || operation === "avginv";
    const column = aggregate ? stat.column : undefined;
    return { operation, column, own: 2 * at, sum: sums ? 2 * at + 1 : undefined };
  });
  return { headers: [], width: 2 * stats.length + 1, parts, rows: 2 * stats.length };
}

function cellsOf(stats: readonly Stat[], plan: StatsPlan, known: (column: string) => number | string): Row {
  const cells = stats.flatMap((stat): Value[] => {
    if (stat.kind === "count") {
      const met = resolve(stat.condition, known);
      return [Number(met.kind === "constant" && met.value), 0];
    }
    const value = Number(known(stat.column)) || 0;
    const counted = stat.operation === "suminv" || stat.operation === "avginv" ? 1 / value : value;
    return [stat.operation === "std" ? 0 : counted, counted];
  });
  return [...cells, plan.rows === undefined ? 0 : 1];
}
