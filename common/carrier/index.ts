export { type Carrier, type CarrierHandlers, MAX_MESSAGE } from "./carrier.ts";
