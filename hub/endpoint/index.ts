export { type EndpointState, Endpoints } from "./endpoints.ts";
