export { documentOf } from "./document.ts";
export { Pace } from "./pace.ts";
export { cursorOf, keyCursor, next, pageByKey, pageOf, pageQuery } from "./page.ts";
export { type Route, route } from "./route.ts";
export { serveRoutes } from "./serve.ts";
