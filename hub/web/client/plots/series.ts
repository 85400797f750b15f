/** What a site's page plots: how the hub tells it, and how it is drawn. */
import { latency, rate } from "../../view/index.ts";

/** As `hub/history` has it. */
export interface Band {
  min: (number | null)[];
  avg: (number | null)[];
  max: (number | null)[];
}

export interface Day {
  /** ms since the epoch of the end of the last step, and ms of a step. */
  until: number;
  step: number;
  rtt: Band;
  received: Band;
  sent: Band;
  latency: Band;
}

export interface Line {
  label: string;
  values: (number | null)[];
  colour: string;
}

export interface Plot {
  title: string;
  unit: (value: number) => string;
  lines: Line[];
  /** Lines between which the plot is filled, by their place. */
  band?: [number, number];
}

/** Seconds since the epoch of each step, as uPlot has it. */
export function timesOf({ until, step, rtt }: Day): number[] {
  const { length } = rtt.avg;
  return Array.from({ length }, (_, at) => (until - (length - 1 - at) * step) / 1000);
}

/** @param colours of the first and the second line, and of what is faint */
export function plotsOf(day: Day, [first, second, faint]: readonly [string, string, string]): Plot[] {
  const banded = ({ min, avg, max }: Band): Line[] => [
    { label: "average", values: avg, colour: first },
    { label: "most", values: max, colour: faint },
    { label: "least", values: min, colour: faint },
  ];
  return [
    { title: "Round trip of the tunnel", unit: latency, lines: banded(day.rtt), band: [2, 3] },
    {
      title: "Throughput",
      unit: rate,
      lines: [
        { label: "from the site", values: day.received.avg, colour: first },
        { label: "to the site", values: day.sent.avg, colour: second },
      ],
    },
    { title: "Answers of the core", unit: latency, lines: banded(day.latency), band: [2, 3] },
  ];
}

/** A plot in words, for those who do not see it: `Throughput: from the site 1.2 kB/s on average, 80 kB/s at most`. */
export function inWords({ title, unit, lines }: Plot): string {
  const parts = lines.flatMap(({ label, values }) => {
    const known = values.filter((value) => value !== null);
    if (known.length === 0) return [];
    const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
    return [`${label} ${unit(mean)} in the mean, ${unit(Math.max(...known))} at most`];
  });
  return `${title}: ${parts.length === 0 ? "nothing measured" : parts.join("; ")}`;
}
