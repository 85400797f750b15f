export { pagesApp } from "./app.ts";
export { pagesLook } from "./look.tsx";
export type { PageParts } from "./page.ts";
