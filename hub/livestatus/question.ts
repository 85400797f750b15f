/** What goes to a core at once. */

import {
  describeRequest,
  headerValue,
  Refusal,
  type Request,
  RequestReader,
} from "../../common/livestatus/index.ts";

export interface Question {
  /** Commands first, if there are any, then the query. */
  bytes: Buffer[];
  /** The answer tells its own length; otherwise its end is the end of the stream. */
  fixed16: boolean;
  /** Nothing follows: the core is told, and ends the connection when it is through. */
  halfClose: boolean;
  /** ms that the core may wait by itself before it answers (WaitTimeout). */
  wait: number;
}

/** What of a question, or of a request, is told to people. */
export interface Description {
  /** Such as "COMMAND RESTART_PROGRAM", without arguments. */
  request: string;
  /** The user it is for, as the client says. */
  user: string | undefined;
}

/** Bytes of a user's name that are told. */
const LONGEST_USER = 64;
/** Requests of one question that are named. */
const MOST_NAMED = 5;

/**
 * The requests in a question.
 * @param longest bytes of one of them
 */
export function requestsIn(
  { bytes, halfClose }: Pick<Question, "bytes" | "halfClose">,
  longest = Number.POSITIVE_INFINITY,
): Request[] | Refusal {
  const reader = new RequestReader({ longest });
  const requests: Request[] = [];
  for (const part of bytes) {
    reader.push(part);
    if (halfClose) reader.end();
    for (let next = reader.next(); next; next = reader.next()) {
      if (next instanceof Refusal) return next;
      requests.push(next);
    }
  }
  return requests;
}

/** Says what is asked, in a few words. */
export function describeRequests(requests: readonly Request[]): Description {
  const named = [...new Set(requests.map(describeRequest))];
  const more = named.length - MOST_NAMED;
  const request = named.slice(0, MOST_NAMED).join(", ") + (more > 0 ? ` and ${more} more` : "");
  const user = requests.map((each) => headerValue(each, "AuthUser")).findLast((name) => name !== undefined);
  return { request, user: user && Buffer.from(user.slice(0, LONGEST_USER), "latin1").toString() };
}

/** The same of a question that was found good before. */
export function describeQuestion(question: Question): Description {
  const requests = requestsIn(question);
  return describeRequests(requests instanceof Refusal ? [] : requests);
}
