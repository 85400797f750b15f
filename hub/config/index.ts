export { BULK_SERVICES, type HubConfig, hubConfig } from "./config.ts";
export { policyFor, rulesForNobody } from "./policy.ts";
export {
  overlap,
  type Place,
  parsePlace,
  parseScope,
  type Scope,
  type Taken,
  tlsOf,
  type ViewerConfig,
} from "./viewers.ts";
export { type WebConfig, webConfig, webUrl } from "./web.ts";
