export type { Band, Connect, History, SiteSeries, SiteSpark } from "./interface.ts";
