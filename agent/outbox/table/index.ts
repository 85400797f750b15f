export { type Ask, askCore } from "./table.ts";
