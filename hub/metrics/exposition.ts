/**
 * What Prometheus reads (exposition format 0.0.4, https://prometheus.io/docs/instrumenting/exposition_formats/): for
 * each family its help, its type and its samples, one a line.
 */

export interface Sample {
  value: number;
  /** By name; names are ours, values may be anybody's. */
  labels?: Readonly<Record<string, string>>;
}

export interface Family {
  name: string;
  type: "counter" | "gauge";
  /** One sentence without a full stop. */
  help: string;
  samples: readonly Sample[];
}

/** A distribution: how many observations were at most each of the bounds. */
export interface HistogramFamily {
  name: string;
  type: "histogram";
  help: string;
  bounds: readonly number[];
  /** Observations between a bound and the one before. */
  counts: readonly number[];
  /** All observations, those above the last bound too, and their sum. */
  count: number;
  sum: number;
}

export type AnyFamily = Family | HistogramFamily;

export const CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

export function exposition(families: readonly AnyFamily[]): string {
  const lines: string[] = [];
  for (const family of families) {
    lines.push(`# HELP ${family.name} ${escaped(family.help)}`, `# TYPE ${family.name} ${family.type}`);
    if (family.type === "histogram") histogram(family, lines);
    else for (const { labels, value } of family.samples) lines.push(line(family.name, value, labels));
  }
  return `${lines.join("\n")}\n`;
}

function histogram({ name, bounds, counts, count, sum }: HistogramFamily, lines: string[]): void {
  let below = 0;
  for (const [at, bound] of bounds.entries()) {
    below += counts[at] ?? 0;
    lines.push(line(`${name}_bucket`, below, { le: String(bound) }));
  }
  lines.push(line(`${name}_bucket`, count, { le: "+Inf" }));
  lines.push(line(`${name}_sum`, sum), line(`${name}_count`, count));
}

function line(name: string, value: number, labels: Readonly<Record<string, string>> = {}): string {
  const pairs = Object.entries(labels).map(
    ([key, text]) => `${key}="${escaped(text).replaceAll('"', '\\"')}"`,
  );
  return `${name}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${value}`;
}

/** A value may hold anything, but not begin another line. */
function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

export function counter(name: string, help: string, samples: number | readonly Sample[]): Family {
  return {
    name,
    type: "counter",
    help,
    samples: typeof samples === "number" ? [{ value: samples }] : samples,
  };
}

export function gauge(name: string, help: string, samples: number | readonly Sample[]): Family {
  return { name, type: "gauge", help, samples: typeof samples === "number" ? [{ value: samples }] : samples };
}
