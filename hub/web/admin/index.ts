export { ADMIN_HEADER } from "./actor.ts";
export { ADMIN_SOCKET, adminApp } from "./admin.ts";
export { MOST_RECORDS } from "./audit.ts";
