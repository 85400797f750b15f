export { CoreInventory } from "./core.ts";
export { Folders } from "./folders.ts";
export type { Content, Listing, Origin, Version } from "./origin.ts";
export { InventorySource, type InventoryStatus } from "./source.ts";
