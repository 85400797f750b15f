export { pagesApp } from "./app.ts";
export type { PageParts } from "./frame/index.ts";
export { pagesLook } from "./look.tsx";
