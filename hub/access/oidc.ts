/**
 * Logging in through an OpenID provider: authorization code with PKCE (RFC 7636), state and nonce (OpenID Connect Core
 * 1.0, 3.1). All three follow from a secret that the browser keeps in a cookie for the time of the login, so that the
 * hub keeps nothing, and a login cannot be ended in another browser than it was begun in.
 */

import * as client from "openid-client";
import { FarsiteError, reasonOf } from "../../common/errors.ts";
import { printable } from "../../common/text.ts";
import type { OidcConfig } from "./oidc-config.ts";
import { groupsOf, standingOf } from "./oidc-groups.ts";
import { foreignName, type Role } from "./principal.ts";
import { derived } from "./secret.ts";

export interface Vouched {
  name: string;
  role: Role;
  tenants: string[];
}

export interface ProviderOptions {
  config: OidcConfig;
  secret: string;
  /** PEM. */
  authorities: readonly string[] | undefined;
  /** Where the provider sends browsers back to. */
  redirectUrl: string;
  /** Wall clock, ms. */
  wall: () => number;
}

/** ms for which what a provider says of itself holds: keys are fetched anew by themselves, addresses are not. */
const KNOWN_FOR = 3_600_000;
/** ms for which one that cannot be asked is not asked again: anybody can begin a login. */
const AWAY_FOR = 5_000;
/** UTF-16 units of a name. */
const LONGEST_NAME = 64;
/** And of a reason in the log. */
const LONGEST_REASON = 500;

export class OidcProvider {
  #known: { until: number; found: Promise<client.Configuration> } | undefined;

  constructor(private readonly options: ProviderOptions) {}

  get label(): string {
    return this.options.config.label;
  }

  /** Where to send a browser that keeps `secret` for the way back. Throws E_OIDC. */
  async begin(secret: string): Promise<URL> {
    const { config, redirectUrl } = this.options;
    const provider = await this.#discover();
    return client.buildAuthorizationUrl(provider, {
      redirect_uri: redirectUrl,
      scope: ["openid", ...config.scopes].join(" "),
      state: derived(secret, "state"),
      nonce: derived(secret, "nonce"),
      code_challenge: await client.calculatePKCECodeChallenge(derived(secret, "verifier")),
      code_challenge_method: "S256",
    });
  }

  /**
   * Whom the provider vouches for, by what a browser brought back.
   * @param query of the request, with `?`
   * Throws E_LOGIN: the login did not succeed, or no group has a role here; E_OIDC: the provider's fault.
   */
  async finish(secret: string, query: string): Promise<Vouched> {
    const { config, redirectUrl } = this.options;
    const provider = await this.#discover();
    const back = new URL(query, redirectUrl);
    // before anything is asked of the provider: this login was not begun in this browser
    if (back.searchParams.get("state") !== derived(secret, "state"))
      throw new FarsiteError("E_LOGIN", "the login was not begun in this browser, or took too long");
    const claims = await this.#redeem(provider, secret, back);
    const name = claims[config.name_claim];
    if (typeof name !== "string" || name === "") {
      const message = `the OpenID provider sends no claim ${config.name_claim}`;
      throw new FarsiteError("E_OIDC", message, "See web.oidc.name_claim and web.oidc.scopes in hub.toml.");
    }
    const shown = foreignName(printable(name, LONGEST_NAME));
    const standing = standingOf(groupsOf(claims[config.groups_claim]), config.groups);
    if (standing) return { name: shown, ...standing };
    throw new FarsiteError(
      "E_LOGIN",
      `no group of ${shown} has a role here`,
      "An administrator can give one to a group in hub.toml (web.oidc.groups).",
    );
  }

  /** What the provider says of whoever logged in there. */
  async #redeem(provider: client.Configuration, secret: string, back: URL): Promise<Record<string, unknown>> {
    const { config } = this.options;
    try {
      const tokens = await client.authorizationCodeGrant(provider, back, {
        pkceCodeVerifier: derived(secret, "verifier"),
        expectedState: derived(secret, "state"),
        expectedNonce: derived(secret, "nonce"),
        idTokenExpected: true,
      });
      const claims = tokens.claims() ?? { sub: "" };
      const whole = [config.name_claim, config.groups_claim].every((claim) => Object.hasOwn(claims, claim));
      if (whole || provider.serverMetadata().userinfo_endpoint === undefined) return claims;
      return { ...(await client.fetchUserInfo(provider, tokens.access_token, claims.sub)), ...claims };
    } catch (error) {
      // the person gave up, or the provider does not let him in
      if (error instanceof client.AuthorizationResponseError)
        throw new FarsiteError("E_LOGIN", `the OpenID provider says ${printable(error.error, LONGEST_NAME)}`);
      throw failed(error);
    }
  }

  #discover(): Promise<client.Configuration> {
    const { config, secret, authorities, wall } = this.options;
    if (this.#known && wall() < this.#known.until) return this.#known.found;
    const tls = authorities && { ca: [...authorities] };
    const found = client
      .discovery(new URL(config.issuer), config.client_id, undefined, authenticated(secret), {
        timeout: config.timeout_seconds,
        ...(tls && {
          [client.customFetch]: (url: string, init: object) =>
            fetch(url, { ...init, tls } as BunFetchRequestInit),
        }),
      })
      .catch((error) => {
        known.until = wall() + AWAY_FOR;
        throw failed(error);
      });
    const known = { until: wall() + KNOWN_FOR, found };
    this.#known = known;
    return found;
  }
}

/** By HTTP Basic, as every provider must know it, unless it says that it does not (OpenID Connect Core 1.0, 9). */
function authenticated(secret: string): client.ClientAuth {
  const [basic, post] = [client.ClientSecretBasic(secret), client.ClientSecretPost(secret)];
  return (server, metadata, body, headers) => {
    const known = server.token_endpoint_auth_methods_supported ?? ["client_secret_basic"];
    (known.includes("client_secret_basic") ? basic : post)(server, metadata, body, headers);
  };
}

/** What a person is told is no more than that; the log gets the rest. */
function failed(error: unknown): FarsiteError {
  if (error instanceof FarsiteError) return error;
  // what lies behind says it: a name that cannot be resolved, a certificate, a claim
  const reasons = [error, (error as Error).cause].filter((each) => each instanceof Error).map(reasonOf);
  return new FarsiteError(
    "E_OIDC",
    "logging in through the OpenID provider failed",
    "The hub's log says why.",
    { cause: printable([...new Set(reasons)].join(": "), LONGEST_REASON) },
  );
}
