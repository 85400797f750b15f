export { type HttpLimits, HttpService, type HttpServiceOptions, type WebSite } from "./service.ts";
export { type Sync, Syncs } from "./syncs.ts";
