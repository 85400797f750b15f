export { type EndpointState, Endpoints, type SiteServer } from "./endpoints.ts";
export { LastingEndpoint } from "./lasting.ts";
export { type ViewServer, type ViewState, Views } from "./views.ts";
