export { SitesTable } from "./table.ts";
