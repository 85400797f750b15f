export { listensAt } from "./listening.ts";
export { type Finding, Probe } from "./probe.ts";
export { secure } from "./secure.ts";
export { CoreWatch } from "./watch.ts";
