export { CommandSink, FILE_MARK } from "./command.ts";
export { outcomeText, run } from "./run.ts";
export type { Answers, ExactSteps, Holds, Rejected, Sink } from "./sink.ts";
export { SpoolSink } from "./spool.ts";
export { type Post, postOverNetwork, WebhookSink } from "./webhook.ts";
