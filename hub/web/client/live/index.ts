export { Live, type LiveOptions, type SitesChange } from "./live.ts";
