/** The script of a site's page: the last day as plots. Only this page loads it, with the library that draws. */
import { drawPlots } from "./plots/index.ts";

const place = document.querySelector<HTMLElement>("[data-plots]");
if (place) drawPlots(place, place.dataset.plots ?? "");
