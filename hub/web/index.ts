export { webApp } from "./app.ts";
export { listenWeb, type WebListener } from "./site/index.ts";
