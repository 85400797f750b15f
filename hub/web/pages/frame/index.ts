export type { Frame, Viewer } from "./frame.ts";
export { formOf, frameOf, listed, type PageParts, queryOf, reachOf, show } from "./page.ts";
export { sitePath } from "./paths.ts";
export type { PageReach, SitePast } from "./reach.ts";
export { type Wrong, wrongOf } from "./wrong.ts";
