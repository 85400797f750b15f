export {
  AnswerReader,
  errorAnswer,
  formatHead,
  HEAD_BYTES,
  type Head,
  parseHead,
  Refusal,
} from "./answer.ts";
export { commandName } from "./command.ts";
export {
  describeRequest,
  judge,
  ownPolicyKeys,
  type Policy,
  policyKeys,
  policyOf,
  restricts,
} from "./policy.ts";
export { Rate } from "./rate.ts";
export { RequestReader } from "./reader.ts";
export { headerValue, keepsAlive, type Request, requestBytes, wantsFixed16 } from "./request.ts";
