export { ADMIN_HEADER } from "./actor.ts";
export { adminApp } from "./admin.ts";
export { MOST_RECORDS } from "./audit.ts";
