export { listensAt } from "./listening.ts";
export { secure } from "./secure.ts";
export { CoreWatch } from "./watch.ts";
