/** Draws plots with uPlot, in the colours of the page, and keeps them current. */
import uPlot from "uplot";
import { type Day, inWords, type Plot, plotsOf, timesOf } from "./series.ts";

const HEIGHT = 170;
/** ms between two looks: the hub measures once a minute. */
const EVERY = 60_000;

export function drawPlots(place: HTMLElement, address: string): void {
  let day: Day | undefined;
  let drawn: uPlot[] = [];
  const draw = () => {
    for (const plot of drawn) plot.destroy();
    place.replaceChildren();
    if (!day) return;
    const times = timesOf(day);
    const plots = plotsOf(day, coloursOf(place));
    // all places first: one alone would be wider than it is to be
    const places = plots.map((plot) => figureOf(place, plot));
    drawn = plots.map((plot, at) => plotIn(places[at] as HTMLElement, plot, times));
  };
  const load = async () => {
    if (document.hidden && day) return;
    const answer = await fetch(address, { redirect: "error" }).catch(() => undefined);
    if (!answer?.ok) return;
    day = (await answer.json()) as Day;
    draw();
  };
  void load();
  setInterval(() => void load(), EVERY);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  let width = place.clientWidth;
  new ResizeObserver(() => {
    if (place.clientWidth === width) return;
    width = place.clientWidth;
    draw();
  }).observe(place);
}

function figureOf(place: HTMLElement, plot: Plot): HTMLElement {
  const figure = document.createElement("figure");
  figure.className = "plot";
  const caption = document.createElement("figcaption");
  caption.textContent = plot.title;
  const canvas = document.createElement("div");
  canvas.role = "img";
  canvas.ariaLabel = inWords(plot);
  figure.append(caption, canvas);
  place.append(figure);
  return canvas;
}

function plotIn(canvas: HTMLElement, plot: Plot, times: number[]): uPlot {
  const [ink, line] = [colour(canvas, "--soft"), colour(canvas, "--line")];
  const axis = {
    stroke: ink,
    grid: { stroke: line, width: 1 },
    ticks: { stroke: line, width: 1 },
    font: "12px system-ui",
  };
  const [from, to] = plot.band ?? [];
  return new uPlot(
    {
      width: canvas.clientWidth,
      height: HEIGHT,
      cursor: { sync: { key: "site" }, drag: { x: false, y: false } },
      legend: { live: true },
      // hours and minutes of a day, as the other parts of the world write them
      axes: [
        { ...axis, values: (_: uPlot, at: number[]) => at.map(clockTime) },
        { ...axis, size: 78, values: (_: uPlot, at: number[]) => at.map((value) => plot.unit(value)) },
      ],
      scales: { y: { range: (_: uPlot, __: number, most: number) => [0, most > 0 ? most * 1.05 : 1] } },
      series: [
        { label: "at", value: (_: uPlot, at: number | null) => (at === null ? "" : clockTime(at)) },
        ...plot.lines.map(({ label, colour }) => ({
          label,
          stroke: colour,
          width: 1.25,
          points: { show: false },
          value: (_: uPlot, value: number | null) => (value === null ? "" : plot.unit(value)),
        })),
      ],
      ...(from !== undefined &&
        to !== undefined && {
          bands: [{ series: [from, to] as [number, number], fill: colour(canvas, "--wash") }],
        }),
    },
    [times, ...plot.lines.map(({ values }) => values)],
    canvas,
  );
}

function clockTime(seconds: number): string {
  return new Date(seconds * 1000).toLocaleTimeString([], {
    hour: "2-digit",
    minute: "2-digit",
    hour12: false,
  });
}

function coloursOf(place: HTMLElement): [string, string, string] {
  return [colour(place, "--spark"), colour(place, "--unknown-ink"), colour(place, "--faint")];
}

function colour(place: HTMLElement, name: string): string {
  return getComputedStyle(place).getPropertyValue(name).trim();
}
