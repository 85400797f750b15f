export { type EndpointState, Endpoints } from "./endpoints.ts";
export { type ViewServer, type ViewState, Views } from "./views.ts";
