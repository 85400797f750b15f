export { type Field, parseField, tokensOf } from "./field.ts";
