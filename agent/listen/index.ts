export { parseListenAddress, placeOf } from "./address.ts";
export type { ListenerState } from "./line.ts";
export { Listeners } from "./listeners.ts";
