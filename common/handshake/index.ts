export { Opening } from "./opening.ts";
export * from "./payload.ts";
export * as preamble from "./preamble.ts";
export {
  decodeToken,
  type EnrolmentToken,
  encodeToken,
  hashSecret,
  pskOf,
  TOKEN_ID_BYTES,
  TOKEN_SECRET_BYTES,
} from "./token.ts";
