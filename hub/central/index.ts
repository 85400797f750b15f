export { Central } from "./central.ts";
export { dialTarget, openSender } from "./dial.ts";
export { type CentralLine, centralLine, wrongSource } from "./line.ts";
export type { LineState, RefusedLine } from "./site-lines.ts";
