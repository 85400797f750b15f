export { type InventoryConfig, inventoryConfig } from "./config.ts";
export { InventoryLane } from "./lane.ts";
