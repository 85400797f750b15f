export { addAudit } from "./audit.ts";
export { addCheckmk } from "./checkmk.ts";
export { addDoctor } from "./doctor.ts";
export { addEndpoints } from "./endpoints.ts";
export { addQuery } from "./query.ts";
export { addServe } from "./serve.ts";
export { addSite } from "./site.ts";
export { addTenant } from "./tenant.ts";
