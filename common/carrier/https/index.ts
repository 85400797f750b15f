export { Arrivals } from "./arrivals.ts";
export { decodeBatch, encodeBatch } from "./batch.ts";
export { Outgoing } from "./outgoing.ts";
export * from "./wire.ts";
