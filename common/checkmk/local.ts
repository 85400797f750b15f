/**
 * Checkmk's local checks: one line of an agent's section `local` is one service
 * (https://docs.checkmk.com/latest/en/localchecks.html): `STATE "SERVICE" METRICS TEXT`.
 */
import { printable } from "../text.ts";
import type { Levels } from "./levels.ts";
import type { CheckState } from "./state.ts";

export interface Metric {
  name: string;
  /** In the unit without a prefix: seconds, bytes. */
  value: number;
  /** From where on it is WARN and CRIT, for graphs; whoever makes the check has judged it. */
  levels?: Levels | undefined;
}

export interface LocalCheck {
  state: CheckState;
  service: string;
  metrics: readonly Metric[];
  /** The first is the summary, the others are details. */
  texts: readonly string[];
}

/** Begins the section, where something else than the agent's own folder of local checks prints it. */
export const LOCAL_SECTION = "<<<local:sep(0)>>>";

/** UTF-16 units of a text: what comes from the other side must not fill somebody's screen. */
const MOST_TEXT = 400;
const MOST_NAME = 120;

/** One line, without its end. */
export function localLine({ state, service, metrics, texts }: LocalCheck): string {
  const name = printable(service, MOST_NAME).replace(/["'\\|<>]/g, "_");
  const data = metrics.filter(({ value }) => Number.isFinite(value)).map(metricText);
  const text = texts.map(harmless).join("\\n");
  return `${state} "${name}" ${data.join("|") || "-"} ${text || "no more is known"}`;
}

function metricText({ name, value, levels }: Metric): string {
  return `${name}=${number(value)}${levels ? `;${number(levels.warn)};${number(levels.crit)}` : ""}`;
}

/** Without an exponent. */
const number = (value: number) => String(Number(value.toFixed(4)));

/**
 * What others said must neither begin a line of its own (backslash and n), nor performance data (a bar), nor look like
 * a state: Checkmk shows `(!!)` as one.
 */
function harmless(text: string): string {
  return printable(text.trim(), MOST_TEXT)
    .replace(/[\\|]/g, "/")
    .replace(/\((?=[!?.]+\))/g, "( ");
}
