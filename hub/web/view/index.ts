export { isFound, isShown, SHOW_TITLES, SHOWS, type Show, type Shown } from "./show.ts";
export {
  type Cell,
  keyOf,
  SITE_CELLS,
  SITE_COLUMNS,
  SITE_TITLES,
  type SiteColumn,
  type SiteRow,
} from "./site-row.ts";
export { SPARK_HEIGHT, SPARK_STEPS, sparkPoints } from "./spark.ts";
export { staying } from "./staying.ts";
export { problemTone, type SiteWord, siteOrder, siteTone, type Tone } from "./tone.ts";
export { bytes, count, latency, moment, rate, since, span } from "./units.ts";
