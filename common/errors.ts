/**
 * The one error type that reaches people. It says what failed, where, and what to do, and carries a code
 * that scripts and documents may rely on: codes are never renamed and never used for a second meaning.
 */

/** Every stable error code, with what it means. */
export const ERROR_CODES = {
  E_USAGE: "the command line is wrong",
  E_CONFIG: "a configuration file is missing, unreadable or wrong",
  E_KEY_FILE: "a key file is missing, unreadable, too open or wrong",
  E_STATE: "the state directory cannot be used",
  E_NOT_ENROLLED: "this agent has not been enrolled",
  E_ALREADY_ENROLLED: "this agent has been enrolled already",
  E_TOKEN_MALFORMED: "the text given is not an enrolment token",
  E_TOKEN_UNKNOWN: "the hub does not know this enrolment token",
  E_TOKEN_USED: "the enrolment token was used before",
  E_TOKEN_EXPIRED: "the enrolment token has expired",
  E_TOKEN_REVOKED: "the enrolment token was revoked",
  E_HUB_UNREACHABLE: "no connection to the hub could be made",
  E_DNS: "the hub's name cannot be resolved",
  E_CONNECT_TIMEOUT: "nothing answers at the hub's address and port",
  E_PROXY_DNS: "the proxy's name cannot be resolved",
  E_PROXY_UNREACHABLE: "no connection to the proxy could be made",
  E_PROXY_TIMEOUT: "the proxy does not answer in time",
  E_PROXY_TLS: "no TLS connection with the proxy came about",
  E_PROXY_PROTOCOL: "what answers at the proxy's address is no HTTP proxy",
  E_PROXY_AUTH_WANTED: "the proxy wants a user and a password",
  E_PROXY_AUTH_WRONG: "the proxy does not accept the user and password",
  E_PROXY_AUTH_SCHEME: "the proxy offers no authentication that the agent speaks",
  E_PROXY_DENIED: "the proxy does not allow the connection to the hub",
  E_PROXY_UPSTREAM: "the proxy cannot reach the hub",
  E_HUB_KEY: "the hub that answered does not hold the expected key",
  E_HUB_BUSY: "the hub is at a limit and takes no more for now",
  E_TLS_UNTRUSTED: "the hub's TLS certificate is not trusted",
  E_TLS_FAILED: "what answers does not speak TLS, or something on the way ended it",
  E_TLS_TIMEOUT: "the connection was taken, but TLS did not come about in time",
  E_CAPTIVE_PORTAL: "something on the way answers in the hub's place",
  E_NOT_A_HUB: "something else than a hub answered",
  E_UPGRADE_STRIPPED: "something on the way does not let WebSockets pass",
  E_HTTP_TIMEOUT: "TLS came about, but the request was not answered",
  E_CLOCK: "this host's clock and the hub's clock differ too much",
  E_VERSION: "agent and hub speak different protocol versions",
  E_HANDSHAKE: "the handshake with the other side failed",
  E_HANDSHAKE_TIMEOUT: "the handshake did not finish in time",
  E_KEY_UNKNOWN: "the hub does not know this agent's key",
  E_KEY_REVOKED: "this agent's key was revoked or replaced",
  E_SITE_DISABLED: "the site is disabled at the hub",
  E_PROTOCOL: "the other side broke the protocol",
  E_CARRIER_TAMPERED: "data between agent and hub was changed on the way",
  E_CARRIER_LOST: "the connection between agent and hub was lost",
  E_PATH_MTU: "small messages pass between agent and hub, large ones do not",
  E_SESSION_LOST: "the session ended before it could be resumed",
  E_LIMIT: "a configured limit was reached",
  E_SERVICE_UNKNOWN: "the agent offers no service of this name",
  E_SERVICE_REFUSED: "the hub's registry does not allow this service for the site",
  E_TARGET_UNREACHABLE: "the agent could not reach the service's local target",
  E_LISTEN: "an address could not be listened on",
  E_HUB_DOWN: "the hub's admin socket does not answer",
  E_AGENT_DOWN: "the agent's status socket does not answer",
  E_QUERY: "the sites did not answer a query",
  E_COMMAND: "a command to a core was refused, or its effect is not seen",
  E_SITE_ID: "sites would have the same ID, or an impossible one, at the central site",
  E_CHECKMK_UNREACHABLE: "the central site's REST API cannot be reached",
  E_CHECKMK_TLS: "the central site's certificate is not trusted",
  E_CHECKMK_AUTH: "the central site does not accept the user, or does not allow it this",
  E_CHECKMK_ANSWER: "what answers is not Checkmk's REST API, or it failed",
  E_CHECKMK_REFUSED: "the central site refuses a site connection",
  E_CHECKMK_CONFLICT: "somebody else changes the same site connection",
  E_CHECKMK_FOREIGN: "the central site has a connection of this ID that Farsite did not make",
  E_CHECKMK_INCOMPLETE: "not all site connections could be set up",
  E_CORE_UNREACHABLE: "the central site's core does not take check results",
  E_EXISTS: "it exists already",
  E_NOT_FOUND: "it does not exist",
  E_NAME: "the name is not allowed",
  E_LOGIN: "a login is needed, or it failed",
  E_TOO_OFTEN: "there were too many tries; later ones are heard again",
  E_FORBIDDEN: "who asks is known, and may not do this",
  E_PASSWORD: "a password is too short, too long, or not the present one",
  E_OIDC: "the OpenID provider cannot be reached, or its answer is not accepted",
  E_ORIGIN: "a page of somebody else may have sent the request",
  E_REQUEST: "a request to the web interface is malformed",
  E_METHOD: "what is at this address cannot be asked for in this way",
  E_MEDIA_TYPE: "the body of a request is of a kind that is not understood",
  E_TOO_LARGE: "a request to the web interface is too large",
  E_POOL_EMPTY: "the address pool has no free address",
  E_INTERNAL: "a fault in Farsite itself",
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(ERROR_CODES, text);
}

export class FarsiteError extends Error {
  override readonly name = "FarsiteError";

  /**
   * @param code stable code
   * @param message what failed and where, one sentence, no secrets
   * @param hint what the reader can do about it
   */
  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly hint?: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The text of any thrown value, for use inside another message. */
export function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** How an error is printed for people: what failed, then what to do. Never a stack trace. */
export function renderError(program: string, thrown: unknown): string {
  if (thrown instanceof FarsiteError) {
    const hint = thrown.hint === undefined ? "" : `\n  ${thrown.hint.replaceAll("\n", "\n  ")}`;
    return `${program}: ${thrown.message} [${thrown.code}]${hint}`;
  }
  return `${program}: ${reasonOf(thrown)} [E_INTERNAL]\n  This is a fault in Farsite; please report it.`;
}
