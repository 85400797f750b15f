export { ago, printError, printJson, printLine, printTable } from "./output.ts";
export { createProgram, type Places, runProgram, withPlaces } from "./program.ts";
export { printReload, type ReloadOptions } from "./reload.ts";
