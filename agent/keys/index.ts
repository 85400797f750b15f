export { type Credentials, type KeyStore, Keys } from "./keys.ts";
