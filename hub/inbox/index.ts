export type { BoxStatus } from "./box.ts";
export type { LaneCounts } from "./counts.ts";
export { connectOverNetwork, DumpsLane, dumpsConfig } from "./dumps/index.ts";
export { Inbox, type InboxRules } from "./inbox.ts";
export { InventoryLane, inventoryConfig } from "./inventory/index.ts";
export type { Sender } from "./letter/index.ts";
export { notificationsConfig, notifyLane } from "./notify/index.ts";
export { Refusals } from "./refusals.ts";
export { type Holds, postOverNetwork } from "./sink/index.ts";
