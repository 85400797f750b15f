export { type Credentials, type KeyStore, Keys, type KeysOptions } from "./keys.ts";
