export type { DumpStatus } from "./dumps/index.ts";
export {
  type Forwarding,
  type ForwardingConfig,
  type ForwardingParts,
  NOTIFY_LANE,
  openForwarding,
} from "./forwarding.ts";
export type { InventoryStatus } from "./inventory/index.ts";
export type { NotifyStatus } from "./notify/index.ts";
export type { OutboxLane } from "./outbox.ts";
