export { OUTBOX } from "../names.ts";
export { Opener, Sealer } from "./seal.ts";
export {
  ACK,
  ack,
  EPOCH_BYTES,
  HELLO,
  type Hello,
  hello,
  ITEM,
  type ItemHead,
  itemMessage,
  KEY_BYTES,
  MAX_REFUSAL,
  MAX_SEALED,
  MessageReader,
  message,
  OUTBOX_VERSION,
  REFUSED,
  readItem,
  refused,
} from "./wire.ts";
