export { HubKeys } from "./hub-keys.ts";
export { KeyRenewal, type KeyRenewalOptions } from "./renewal.ts";
