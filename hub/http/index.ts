export { type HttpLimits, HttpService } from "./service.ts";
export { type Sync, Syncs } from "./syncs.ts";
