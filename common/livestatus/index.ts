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
  type PolicyConfig,
  policyKeys,
  policyOf,
  policyRule,
  restricts,
} from "./policy.ts";
export { RequestReader } from "./reader.ts";
export { headerValue, keepsAlive, type Request, requestBytes, waitOf, wantsFixed16 } from "./request.ts";
