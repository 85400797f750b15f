/** Where the central site's REST API is, and how the hub proves who it is there. */

import { readFileSync, statSync } from "node:fs";
import { FarsiteError, reasonOf } from "../../../common/errors.ts";

/** In place of --secret-file. */
export const SECRET_VARIABLE = "FARSITE_CHECKMK_SECRET";

/** Down to the version of the API. */
const API_PATH = /^\/[A-Za-z0-9_-]+\/check_mk(?:\/api\/[a-z0-9.]+)?\/?$/;
const API = "/api/1.0";
const LOOPBACK = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/;
/** What a header can hold. */
const PRINTABLE = /^[!-~]+$/;

/**
 * @returns the API's URL, always written the same
 * @throws E_USAGE it is no such URL, or would send the secret unprotected
 */
export function centralUrl(text: string): string {
  const wrong = (message: string) =>
    new FarsiteError("E_USAGE", `--url ${message}`, "Such as https://HOST/SITE/check_mk/api/1.0");
  if (!URL.canParse(text)) throw wrong("is not a URL");
  const url = new URL(text);
  if (url.username !== "" || url.password !== "") throw wrong("must not hold a user or a password");
  if (!API_PATH.test(url.pathname) || url.search !== "" || url.hash !== "") {
    throw wrong(`${text} is not the address of a REST API`);
  }
  if (url.protocol !== "https:" && !(url.protocol === "http:" && LOOPBACK.test(url.hostname))) {
    throw wrong(`${text} would send the secret unprotected: https:// is needed, except to this host`);
  }
  const path = url.pathname.replace(/\/$/, "");
  return `${url.origin}${path.endsWith("/check_mk") ? `${path}${API}` : path}`;
}

/** A plain request must go to this host, and not to a proxy, with the secret in it. */
export function withoutProxy(url: string, environment: NodeJS.ProcessEnv): void {
  if (!url.startsWith("http:")) return;
  for (const name of ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"]) delete environment[name];
}

/** @throws E_USAGE it cannot be a user of Checkmk */
export function checkedUser(user: string): string {
  if (PRINTABLE.test(user)) return user;
  throw new FarsiteError("E_USAGE", `--user ${JSON.stringify(user)} is not a user of Checkmk`);
}

/**
 * The secret in a file, or in the environment.
 * @throws E_USAGE there is none, or one in both; E_KEY_FILE the file cannot be used
 */
export function readSecret(file: string | undefined, environment: NodeJS.ProcessEnv): string {
  const named = environment[SECRET_VARIABLE];
  if ((file === undefined) === (named === undefined)) {
    throw new FarsiteError(
      "E_USAGE",
      `give the automation secret once: with --secret-file, or in ${SECRET_VARIABLE}`,
    );
  }
  const secret = (named ?? readFile(file ?? "")).trim();
  if (PRINTABLE.test(secret)) return secret;
  throw new FarsiteError("E_KEY_FILE", `${file ?? SECRET_VARIABLE} does not hold an automation secret`);
}

function readFile(path: string): string {
  let text: string;
  let mode: number;
  try {
    ({ mode } = statSync(path));
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new FarsiteError("E_KEY_FILE", `the secret file ${path} cannot be read: ${reasonOf(error)}`);
  }
  // a Checkmk site keeps its own with 0660
  if ((mode & 0o007) === 0) return text;
  throw new FarsiteError("E_KEY_FILE", `the secret file ${path} is open to everybody`, `chmod o= ${path}`);
}
