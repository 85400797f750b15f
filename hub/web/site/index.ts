export { reachOf, type WebApp, type WebContext, type WebEnv } from "./context.ts";
export type { Failure } from "./failure.ts";
export { InvalidRequest, type Wrong } from "./invalid.ts";
export { listenWeb, type WebListener } from "./listener.ts";
export { CALLBACK_PATH } from "./login.ts";
export type { Look } from "./look.ts";
export { type Mounts, type SiteOptions, siteApp } from "./site-app.ts";
