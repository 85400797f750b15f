export { Endpoint } from "./endpoint.ts";
export { type EndpointState, Endpoints, type EndpointsOptions, type SiteServer } from "./endpoints.ts";
export { type ViewState, Views } from "./views.ts";
