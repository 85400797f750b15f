/** What was with a site, for people. */

import { printLine, printTable } from "../../common/command/index.ts";
import type { Band, Connect, SiteSeries, SiteSpark } from "../history/index.ts";

/** As the admin socket gives it. */
export interface SiteHistoryView {
  day: SiteSeries;
  fine: SiteSpark;
  connects: readonly Connect[];
}

export function printHistory({ day, fine, connects }: SiteHistoryView): void {
  const perSecond = (value: number) => `${value < 10_000 ? value : `${Math.round(value / 1000)} k`}B/s`;
  const ms = (value: number) => `${value} ms`;
  const rows = [
    ["round trip", day.rtt, fine.rtt, ms],
    ["from the site", day.received, fine.received, perSecond],
    ["to the site", day.sent, fine.sent, perSecond],
    ["core's answers", day.latency, fine.latency, ms],
  ] as const;
  printTable(
    ["", "NOW", "LEAST", "AVERAGE", "MOST"],
    rows.map(([name, band, line, text]) => {
      const shown = (value: number | undefined) => (value === undefined ? "-" : text(value));
      return [name, shown(line.findLast((value) => value !== null) ?? undefined), ...spread(band).map(shown)];
    }),
  );
  printLine("");
  if (connects.length === 0) return printLine("Its agent has not come since the hub was started.");
  printTable(
    ["CAME", "WENT", "FROM", "OVER", "SESSION", "REASON"],
    connects.map(({ at, ended, peer, carrier, resumed, reason }) => [
      timeOf(at),
      ended === undefined ? "-" : timeOf(ended),
      peer,
      carrier,
      resumed ? "resumed" : "new",
      reason ?? "",
    ]),
  );
}

function spread({ min, avg, max }: Band): (number | undefined)[] {
  const known = (values: (number | null)[]) => values.filter((value) => value !== null);
  const averages = known(avg);
  if (averages.length === 0) return [undefined, undefined, undefined];
  const average = averages.reduce((sum, value) => sum + value, 0) / averages.length;
  const [least, most] = [known(min), known(max)];
  return [
    least.reduce((a, b) => Math.min(a, b)),
    Number(average.toPrecision(3)),
    most.reduce((a, b) => Math.max(a, b)),
  ];
}

function timeOf(at: number): string {
  return new Date(at).toISOString().replace(/\.\d+/, "");
}
