export { MIGRATIONS } from "./schema.ts";
export { afterCommit, openStore, type Statements, type Store, storeOf } from "./store.ts";
