export {
  type Epoch,
  type ItemMeta,
  ItemTooLarge,
  Lane,
  type LaneLimits,
  type LaneOptions,
  type LaneStatus,
  type Source,
} from "./lane.ts";
