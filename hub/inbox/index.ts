export type { BoxStatus } from "./box.ts";
export { Inbox } from "./inbox.ts";
export { notificationsConfig, notifyLane } from "./notify/index.ts";
export { postOverNetwork } from "./sink/index.ts";
