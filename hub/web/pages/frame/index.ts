export type { Frame, Viewer } from "./frame.ts";
export { formOf, frameOf, listed, type PageParts, queryOf, show } from "./page.ts";
export { sitePath } from "./paths.ts";
export { type Wrong, wrongOf } from "./wrong.ts";
