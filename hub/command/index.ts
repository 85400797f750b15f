export { addEndpoints } from "./endpoints.ts";
export { addServe } from "./serve.ts";
export { addSite } from "./site.ts";
export { addTenant } from "./tenant.ts";
