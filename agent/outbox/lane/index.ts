export {
  type Epoch,
  type ItemMeta,
  Lane,
  type LaneLimits,
  type LaneOptions,
  type LaneStatus,
  type Source,
} from "./lane.ts";
