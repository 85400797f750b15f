/** `farsite-agent status` */

import { join } from "node:path";
import type { Command } from "commander";
import { ago, type Places, printJson, printLine, withPlaces } from "../../common/command/index.ts";
import type { ListenerState } from "../listen/index.ts";
import { routeText } from "../route/index.ts";
import { askAgent, type CoreStatus, type SiteStatus, STATUS_SOCKET } from "../status.ts";

export function addStatus(program: Command): void {
  withPlaces(program.command("status"), "farsite-agent")
    .description("show whether the running agent is connected, for each of its sites, and why not")
    .option("--json", "print JSON")
    .action(async (options: Places & { json?: boolean }) => {
      const status = await askAgent(join(options.runDir, STATUS_SOCKET));
      if (options.json) return printJson(status);
      for (const site of status.sites) printSite(status.version, site, status.sites.length > 1);
      for (const failure of status.damaged) {
        printLine(`an enrolment that cannot be read: ${failure.message} [${failure.code}]`);
        if (failure.hint) printLine(`  ${failure.hint}`);
      }
    });
}

/** @param several whether there are more of them */
function printSite(version: string, status: SiteStatus, several: boolean): void {
  const name = several ? ` (${status.name})` : "";
  const update = status.update === undefined ? "" : `; update available: the hub has ${status.update}`;
  printLine(`farsite-agent ${version} of ${status.tenant}/${status.site}${name}${update}`);
  printLine(`${status.state} for ${ago(status.since, Date.now())}: ${status.url}`);
  printLine(`route: ${routeText(status.route)}${status.carrier ? `; carrier: ${status.carrier}` : ""}`);
  if (status.blocked) printLine(status.blocked);
  if (status.rtt !== undefined) printLine(`round-trip time ${status.rtt.toFixed(1)} ms`);
  if (status.clockSkew !== undefined) printLine(`clock differs from the hub's by ${status.clockSkew} ms`);
  const services = status.pushOnly ? "none, push-only" : status.services.join(", ") || "none";
  printLine(`services: ${services}; ${status.streams} streams open`);
  for (const listener of status.listeners) printLine(listenerLine(listener));
  if (status.core) printLine(coreLine(status.core));
  for (const line of forwardingLines(status)) printLine(line);
  const failure = status.error ?? status.lastError;
  if (failure) {
    const when = status.error ? "" : `last failure ${ago(status.lastError?.at, Date.now())} ago: `;
    const where = failure.hop ? ` (hop: ${failure.hop})` : "";
    printLine(`${when}${failure.message} [${failure.code}]${where}`);
    if (failure.hint) printLine(`  ${failure.hint}`);
  }
  if (several) printLine("");
}

/** How the core is, in one line. */
export function coreLine(status: CoreStatus): string {
  const how = `core: ${status.state} for ${ago(status.since, Date.now())}`;
  if (status.state === "dead") return `${how}: ${status.reason} (${status.cause})`;
  const { program, hosts, services } = status.core;
  return `${how}: ${program}, ${hosts ?? "?"} hosts, ${services ?? "?"} services`;
}

function listenerLine({
  line,
  address,
  state,
  reason,
  clients,
  opened,
  failed,
  datagrams,
}: ListenerState): string {
  const what = `listens for ${line} at ${address}`;
  if (state === "failed") return `${what}: failed: ${reason}`;
  if (!datagrams) return `${what}: ${clients} clients now, ${opened} so far, ${failed} of them turned away`;
  const { sent, waiting, dropped, refused } = datagrams;
  return `${what}: ${sent} datagrams sent, ${waiting} waiting, ${dropped} dropped, ${refused} refused`;
}

function* forwardingLines({ outbox, notifications, dumps, inventory }: SiteStatus): Generator<string> {
  for (const lane of outbox) {
    const oldest = lane.oldest ? `, the oldest ${ago(lane.oldest, Date.now())}` : "";
    const rates = `${lane.queuedPerMinute} queued and ${lane.landedPerMinute} landed in the last minute`;
    yield `outbox ${lane.lane}: ${lane.items} waiting, ${lane.bytes} bytes${oldest}; ${rates}`;
    const lost = `${lane.refused} refused, ${lane.givenUp} given up, ${lane.damaged} damaged`;
    if (lane.refused + lane.givenUp + lane.damaged > 0) yield `  ${lost} since the start`;
    if (lane.note !== undefined) yield `  the hub says: ${lane.note}`;
    for (const problem of [lane.problem, lane.waits]) if (problem !== undefined) yield `  ${problem}`;
  }
  if (dumps) {
    const { dumps: made, full, objects, changed, refused, refusal, problem } = dumps;
    yield `status dumps: ${made} made, ${full} of them full; ${objects} objects, ${changed} of them in the last one`;
    if (refusal !== undefined) yield `  ${refused} left out: ${refusal}`;
    if (problem !== undefined) yield `  ${problem}`;
  }
  if (inventory) {
    const { from, files, bytes, missing, held, left, sent, removed, synced, problem } = inventory;
    const when = synced === undefined ? "not complete yet" : `complete ${ago(synced, Date.now())} ago`;
    yield `inventory from ${from}: the hub has ${files} files, ${bytes} bytes, ${missing} are missing; ${when}`;
    yield `  ${sent} sent and ${removed} removed since the start; ${left} left out`;
    if (held > 0) yield `  ${held} are gone at once; the hub keeps them until it is certain`;
    if (problem !== undefined) yield `  ${problem}`;
  }
  if (!notifications) return;
  const { spool, taken, corrupted, refused, problem } = notifications;
  yield `notifications from ${spool}: ${taken} taken, ${corrupted} corrupted, ${refused} refused`;
  if (problem !== undefined) yield `  ${problem}`;
}
