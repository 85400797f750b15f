export { HubKeys, type HubKeysOptions } from "./hub-keys.ts";
export { KeyRenewal, type KeyRenewalOptions } from "./renewal.ts";
