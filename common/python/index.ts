export { type PythonValue, parsePython } from "./parse.ts";
export { pythonString } from "./string.ts";
