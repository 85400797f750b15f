/** What may be asked of a core: decided at the hub for the central side, and by the agent for its own core. */

import { z } from "zod";
import { Refusal, tooLong } from "./answer.ts";
import { commandName } from "./command.ts";
import { type Request, requestLength } from "./request.ts";

export interface Policy {
  /** Names of external commands that may be given; a name may end in `*`. */
  commands: "all" | "none" | readonly string[];
  /** Tables that may be asked. */
  tables: "all" | readonly string[];
  /** Bytes of a request. */
  longestRequest: number;
  /** Bytes of an answer. */
  largestAnswer: number;
  /** Requests a second, with as many more at once after a pause; undefined: any. */
  requestsPerSecond: number | undefined;
  /** ms in which nothing of an answer moves before it is given up; undefined: as long as it takes. */
  queryTimeout: number | undefined;
}

const MIB = 1 << 20;
/** MiB of a request that any configuration may allow. */
const LONGEST_MIB = 64;

const command = z.string().regex(/^[A-Z_][A-Z0-9_]*\*?$/, "a command's name in capitals, which may end in *");
const table = z.string().regex(/^[a-z][a-z0-9_]*$/, "a table's name");
const keys = {
  /** External commands that may be given. */
  commands: z.union([z.enum(["all", "none"]), z.array(command)], '"all", "none", or a list of names'),
  /** Tables that may be asked. */
  tables: z.union([z.literal("all"), z.array(table)], '"all", or a list of names'),
  /** Longest request, MiB. */
  longest_request_mib: z.number().min(0.001).max(LONGEST_MIB),
  /** Largest answer, MiB. */
  largest_answer_mib: z.number().min(0.001).max(4096),
  /** Requests a second to one core. */
  requests_per_second: z.number().min(0.1).max(100_000),
  /** Seconds in which nothing of an answer moves before it is given up. */
  query_timeout_seconds: z.number().min(1).max(3600),
};

/** How the hub's file says it for some sites: what is not said there holds as for the others. */
export const policyRule = z.strictObject(keys).partial();

/** How the agent's file says it: nothing is limited unless it says so. */
export const ownPolicyKeys = {
  ...policyRule.shape,
  commands: keys.commands.default("all"),
  tables: keys.tables.default("all"),
};

/** How the hub's file says it for all sites. */
export const policyKeys = {
  ...ownPolicyKeys,
  // Checkmk's pages name each host of a large filter in a line of its own
  longest_request_mib: keys.longest_request_mib.default(4),
  // Checkmk's own limit is 100 MB
  largest_answer_mib: keys.largest_answer_mib.default(128),
  query_timeout_seconds: keys.query_timeout_seconds.default(120),
};

export type PolicyConfig = z.output<z.ZodObject<typeof ownPolicyKeys>>;

/** Makes the policy of what the configuration says. */
export function policyOf(config: PolicyConfig): Policy {
  const { longest_request_mib: request = LONGEST_MIB, largest_answer_mib: answer } = config;
  return {
    commands: config.commands,
    tables: config.tables,
    longestRequest: Math.floor(request * MIB),
    largestAnswer: answer === undefined ? Number.POSITIVE_INFINITY : Math.floor(answer * MIB),
    requestsPerSecond: config.requests_per_second,
    queryTimeout: config.query_timeout_seconds && config.query_timeout_seconds * 1000,
  };
}

/** Whether it says anything but that all may be asked. */
export function restricts({ commands, tables, ...limits }: PolicyConfig): boolean {
  return commands !== "all" || tables !== "all" || Object.values(limits).some((limit) => limit !== undefined);
}

/** Why a request may not go on; undefined when it may. */
export function judge(policy: Policy, request: Request): Refusal | undefined {
  // its reader may have been one that serves other sites as well
  if (requestLength(request) > policy.longestRequest) return tooLong(policy.longestRequest);
  if (request.method === "COMMAND") return judgeCommand(policy, request);
  if (request.method !== "GET" || policy.tables === "all" || policy.tables.includes(request.target))
    return undefined;
  return new Refusal(403, `the table ${shown(request.target)} is not open to queries here`);
}

function judgeCommand({ commands }: Policy, { target }: Request): Refusal | undefined {
  if (commands === "all") return undefined;
  if (commands === "none") return new Refusal(403, "this site takes no commands: it is read-only here");
  const name = commandName(target);
  if (name === undefined) return new Refusal(403, "the command is not written as [TIME] NAME;ARGUMENTS");
  const allowed = commands.some((each) =>
    each.endsWith("*") ? name.startsWith(each.slice(0, -1)) : name === each,
  );
  return allowed ? undefined : new Refusal(403, `the command ${name} is not allowed here`);
}

/** What a request is, in a few words and without its arguments, for messages, logs and the audit. */
export function describeRequest(request: Request): string {
  if (request.method !== "COMMAND") return `GET ${shown(request.target)}`;
  return `COMMAND ${commandName(request.target) ?? "of an unknown form"}`;
}

function shown(target: string): string {
  return /^[a-z][a-z0-9_]{0,63}$/.test(target) ? target : "of that name";
}
