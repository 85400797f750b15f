/** Where `enroll` gets its token from. */

import { closeSync, openSync, readSync } from "node:fs";
import { hex } from "../../common/bytes.ts";
import { FarsiteError, reasonOf } from "../../common/errors.ts";
import { decodeToken, type EnrolmentToken } from "../../common/handshake/index.ts";

/** Most bytes that are read: more than any token with line breaks in it has. */
const MOST = 8_192;

export interface TokenSource {
  /** The argument; `-` stands for standard input. */
  argument: string | undefined;
  file: string | undefined;
  environment: NodeJS.ProcessEnv;
}

/** Throws E_USAGE, E_STATE or E_TOKEN_MALFORMED. */
export function tokenFrom({ argument, file, environment }: TokenSource): EnrolmentToken {
  if (argument !== undefined && file !== undefined) {
    throw new FarsiteError("E_USAGE", "a token and --token-file do not go together");
  }
  if (file !== undefined) return decodeToken(fileText(file));
  if (argument === "-") return decodeToken(firstOf(0));
  const text = argument ?? environment.FARSITE_TOKEN;
  if (text !== undefined) return decodeToken(text);
  throw new FarsiteError("E_USAGE", "a token is missing: farsite-agent enroll TOKEN");
}

/** By which an enrolment is known again: hexadecimal, and no secret. */
export function idOf({ id }: EnrolmentToken): string {
  return hex(id);
}

function fileText(path: string): string {
  try {
    const file = openSync(path, "r");
    try {
      return firstOf(file);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw new FarsiteError("E_STATE", `the token file ${path} cannot be read: ${reasonOf(error)}`);
  }
}

/** What a file or a pipe begins with, however it comes. */
function firstOf(file: number): string {
  const text = Buffer.alloc(MOST);
  let length = 0;
  for (;;) {
    const got = readSync(file, text, length, MOST - length, null);
    length += got;
    if (got === 0 || length === MOST) return text.toString("utf8", 0, length);
  }
}
