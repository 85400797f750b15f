export { drawPlots } from "./draw.ts";
