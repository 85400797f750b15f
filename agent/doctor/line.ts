/** What a carrier that got through tells: which hub it is, its clock, and what the line carries. */
import type { Clock } from "../../common/clock.ts";
import { FarsiteError } from "../../common/errors.ts";
import type { Carried } from "./carry.ts";
import { type Finding, ok, problem, skipped, warning } from "./finding.ts";
import { type LineFigures, leave, measureLine } from "./measure.ts";

/** ms by which clocks may differ: Livestatus rounds to half hours, and people compare times by the minute. */
const SKEW_WARNING = 60_000;
/** ms from which on nothing fits together: with half an hour Livestatus shifts times by itself. */
const SKEW_PROBLEM = 15 * 60_000;

/** ms from which on every click on a remote site is felt. */
const SLOW = 500;

export async function* lineFindings({ kind, examined }: Carried, clock: Clock): AsyncGenerator<Finding> {
  if (!examined) {
    yield ok(
      "handshake",
      "a Farsite hub answers; that it is the right one can be told once this agent is enrolled",
    );
    return;
  }
  const { accepted, link, probes } = examined;
  const who = `${accepted.tenant}/${accepted.site}`;
  yield ok(
    "handshake",
    `the hub (release ${accepted.hubVersion}) proved its key and lets this agent in as ${who}`,
  );
  yield clockFinding(accepted.clockSkew);
  if (!probes) {
    leave(link);
    yield skipped("round-trip", `a hub of release ${accepted.hubVersion} does not say what the line carries`);
    return;
  }
  try {
    yield* figureFindings(await measureLine(link, clock), kind);
  } catch (error) {
    const code = error instanceof FarsiteError ? error.code : undefined;
    yield problem(code === "E_PATH_MTU" ? "large-messages" : "throughput", error);
  }
}

function clockFinding(skew: number): Finding {
  const ms = Math.abs(skew);
  const figures = { ms: skew };
  const says = `this host's clock is ${spanOf(ms)} ${skew < 0 ? "behind" : "ahead of"} the hub's`;
  if (ms < SKEW_WARNING) return ok("clock", says, figures);
  const advice = "Set the wrong one (timedatectl set-ntp true): states and downtimes go by them.";
  if (ms < SKEW_PROBLEM) return warning("clock", says, { do: advice, owner: "host", figures });
  return { ...problem("clock", new FarsiteError("E_CLOCK", says, advice)), figures };
}

function spanOf(ms: number): string {
  if (ms < 1000) return `${ms} ms`;
  return ms < 120_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`;
}

function* figureFindings({ rtt, up, down }: LineFigures, kind: string): Generator<Finding> {
  const says = `${rtt.toFixed(1)} ms over ${kind === "HTTPS" ? "HTTPS requests" : "a WebSocket"}`;
  const figures = { ms: Number(rtt.toFixed(2)) };
  if (rtt < SLOW) yield ok("round-trip", says, figures);
  else yield warning("round-trip", `${says}: slow`, { owner: "network", figures });
  yield ok("large-messages", "messages of 64 KiB pass in both directions");
  const mib = (rate: number) => (rate / (1 << 20)).toFixed(rate < 10 << 20 ? 2 : 0);
  yield ok("throughput", `${mib(up)} MiB/s to the hub, ${mib(down)} MiB/s from it, in a short burst`, {
    up,
    down,
  });
}
