/** Reads rows of problems. What a site sends is hostile: a cell may be anything. */

import { Refusal } from "../../common/livestatus/index.ts";
import { printable } from "../../common/text.ts";
import type { Row, Value } from "../livestatus/federation/index.ts";
import type { GatedSite } from "../livestatus/index.ts";
import { isName } from "./command/index.ts";
import type { HostCircumstances, Problem, ProblemState } from "./problem.ts";
import { COLUMNS, type Table } from "./questions.ts";

/** UTF-16 units that are kept of a check's output, and of a name that nobody can have meant. */
const LONGEST_OUTPUT = 300;
const LONGEST_NAME = 255;

/** By the numbers of Livestatus. */
const HOST_STATES: readonly (ProblemState | undefined)[] = [undefined, "down", "unreach"];
const SERVICE_STATES: readonly (ProblemState | undefined)[] = [undefined, "warn", "crit", "unknown"];

/** A row of a site's answer to `problemsQuery`. @throws Refusal it is none */
export function readProblem({ tenant, name: site }: GatedSite, table: Table, row: Row): Problem {
  if (row.length !== COLUMNS[table].length) {
    const expected = COLUMNS[table].length;
    throw new Refusal(502, `its answer cannot be read: a row has ${row.length} cells, not ${expected}`);
  }
  const cells = row.values();
  const next = (): Value => cells.next().value ?? null;
  const host = textOf(next());
  const service = table === "services" ? textOf(next()) : undefined;
  const number = numberOf(next());
  // a state of a later core than this hub knows is a problem all the same
  const state = (service === undefined ? HOST_STATES : SERVICE_STATES)[number] ?? "unknown";
  const common = {
    hard: numberOf(next()) === 1,
    output: printable(firstLine(textOf(next())), LONGEST_OUTPUT),
    since: numberOf(next()) * 1_000,
    lastCheck: numberOf(next()) * 1_000,
    attempt: numberOf(next()),
    attempts: numberOf(next()),
    acknowledged: numberOf(next()) !== 0,
    downtime: numberOf(next()) > 0,
    flapping: numberOf(next()) !== 0,
  };
  const checksDisabled = [next(), next()].every((enabled) => numberOf(enabled) === 0);
  const notificationsDisabled = numberOf(next()) === 0;
  const { acknowledged, downtime } = common;
  const ofHost: HostCircumstances =
    service === undefined
      ? { state: state === "unreach" ? "unreach" : "down", downtime, acknowledged }
      : hostOf(next(), next(), next());
  return {
    id: idOf(tenant, site, host, service),
    tenant,
    site,
    host: printable(host, LONGEST_NAME),
    ...(service !== undefined && { service: printable(service, LONGEST_NAME) }),
    state,
    ...common,
    ofHost,
    checksDisabled,
    notificationsDisabled,
    // as Checkmk counts what is unhandled
    handled: acknowledged || downtime || ofHost.downtime || (service !== undefined && ofHost.state !== "up"),
    commandable: isName(host) && (service === undefined || isName(service)),
  };
}

function hostOf(state: Value, depth: Value, acknowledged: Value): HostCircumstances {
  const words = ["up", "down", "unreach"] as const;
  return {
    state: words[numberOf(state)] ?? "down",
    downtime: numberOf(depth) > 0,
    acknowledged: numberOf(acknowledged) !== 0,
  };
}

/** Also fit for an URL. */
function idOf(...path: (string | undefined)[]): string {
  return path
    .filter((part) => part !== undefined)
    .map((part) =>
      /^[\w.-]*$/.test(part) ? part : encodeURIComponent(part.slice(0, 2 * LONGEST_NAME).toWellFormed()),
    )
    .join("/");
}

function firstLine(text: string): string {
  const end = text.search(/\n|\\n/);
  return end < 0 ? text : text.slice(0, end);
}

function textOf(value: Value): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** A number that can be counted with, or 0. */
function numberOf(value: Value): number {
  if (value === true) return 1;
  return typeof value === "number" && Number.isFinite(value) && value >= 0 && value < 1e11 ? value : 0;
}
