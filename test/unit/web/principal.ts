import type { Principal } from "../../../hub/access/index.ts";

/** As the command line comes. */
export const ADMINISTRATOR: Principal = {
  name: "admin root",
  role: "administrator",
  tenants: "all",
  via: "socket",
  from: "admin socket",
};
