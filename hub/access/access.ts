/** Who is who at the web interface: logins, sessions, tokens. Gives whoever is known a Reach. */

import type { Clock } from "../../common/clock.ts";
import { FarsiteError } from "../../common/errors.ts";
import type { Log } from "../../common/log.ts";
import { Notices, withUntold } from "../../common/notices.ts";
import type { Random } from "../../common/random.ts";
import type { ApiTokens, Users, WebSessions } from "../registry/index.ts";
import { LiveLogins } from "./live.ts";
import { Logins, type Recorder } from "./logins.ts";
import type { OidcProvider } from "./oidc.ts";
import type { Passwords } from "./password.ts";
import { actorOf, isTenantRole, type Principal, RIGHTS, type Right, ROLES, type Role } from "./principal.ts";
import { Reach, type ReachParts } from "./reach.ts";
import { hashOf, isSecret, makeSecret, same } from "./secret.ts";
import { parseToken } from "./token.ts";

export interface AccessLimits {
  /** ms without a request after which a session ends, and after which it ends in any case. */
  idle: number;
  lifetime: number;
  /** The latter for whom an OpenID provider vouched. */
  foreignLifetime: number;
  /** Failed logins with one name after which it is locked, and ms for which it is. */
  failures: number;
  lock: number;
  /** Failed logins of one address within a minute. */
  failuresPerAddress: number;
}

export interface AccessOptions extends ReachParts {
  users: Users;
  sessions: WebSessions;
  tokens: ApiTokens;
  passwords: Passwords;
  /** Without it nobody logs in that way. */
  provider?: OidcProvider | undefined;
  clock: Clock;
  random: Random;
  log: Log;
  record: Recorder;
  limits: AccessLimits;
}

/** ms between two notes that a session or a token is in use. */
const NOTED_EVERY = 60_000;
/** ms between two times that ended sessions are taken away. */
const PRUNED_EVERY = 3_600_000;
/** Refusals for lack of a right that are told one by one; then one a second. */
const TOLD_AT_ONCE = 20;

export class Access {
  readonly #logins: Logins;
  readonly #live: LiveLogins;
  readonly #refusals: Notices;
  #pruned = Number.NEGATIVE_INFINITY;
  #begun = 0;

  constructor(private readonly options: AccessOptions) {
    const { clock, limits } = options;
    this.#logins = new Logins({ ...options, ...limits });
    this.#live = new LiveLogins(clock);
    this.#refusals = new Notices(clock, TOLD_AT_ONCE);
  }

  /** @param look who it is when asked again; without it the login does not end */
  reach(principal: Principal, look?: () => Promise<Principal | undefined>): Reach {
    const { users, sessions, tokens, passwords, random, clock } = this.options;
    return new Reach(this.options, principal, {
      users,
      sessions,
      tokens,
      passwords,
      random,
      wall: () => clock.wall(),
      check: (name, password, from) => this.#logins.check(name, password, from),
      changed: () => void this.#live.check(),
      follow: (ended) => (look ? this.#live.follow(principal, look, ended) : () => {}),
    });
  }

  /** Since the hub's start. */
  get logins(): { ok: number; failed: number } {
    return { ok: this.#begun, failed: this.#logins.failed };
  }

  /** What the button for logging in through an OpenID provider says; undefined: there is none. */
  get provider(): string | undefined {
    return this.options.provider?.label;
  }

  /** Logs a local user in; gives the session's secret. Throws E_LOGIN or E_TOO_OFTEN. */
  async login(name: string, password: string, from: string): Promise<string> {
    const { id, role, tenants, passwordHash } = await this.#logins.check(name, password, from);
    const { users, sessions, limits } = this.options;
    const secret = await this.#begin({ userId: id, name, role, tenants }, limits.lifetime, from);
    // it takes a while to look at a password; what was changed meanwhile ended the sessions before this one
    if ((await users.find(name))?.passwordHash === passwordHash) return secret;
    await sessions.end(hashOf(secret));
    throw new FarsiteError("E_LOGIN", "the user name or the password is wrong");
  }

  /** Begins to log somebody in through the OpenID provider. Throws E_OIDC, E_TOO_OFTEN or E_NOT_FOUND. */
  async beginForeign(from: string): Promise<{ secret: string; url: URL }> {
    this.#logins.admit(from);
    const secret = makeSecret(this.options.random);
    return { secret, url: await this.#told(this.#provider.begin(secret)) };
  }

  /** Logs somebody in who came back from there; gives the session's secret. Throws E_OIDC, E_LOGIN or E_TOO_OFTEN. */
  async finishForeign(secret: string, query: string, from: string): Promise<string> {
    this.#logins.admit(from);
    try {
      const vouched = await this.#told(this.#provider.finish(secret, query));
      const { lifetime, foreignLifetime } = this.options.limits;
      return await this.#begin({ userId: undefined, ...vouched }, Math.min(lifetime, foreignLifetime), from);
    } catch (error) {
      if (error instanceof FarsiteError)
        this.#logins.refuse({ who: "unknown user", from }, `OpenID: ${error.message}`);
      throw error;
    }
  }

  get #provider(): OidcProvider {
    const { provider } = this.options;
    if (!provider) throw new FarsiteError("E_NOT_FOUND", "this hub has no OpenID provider");
    return provider;
  }

  /** Logs what the person is not told. */
  async #told<T>(work: Promise<T>): Promise<T> {
    return work.catch((error) => {
      if (error instanceof FarsiteError && error.code === "E_OIDC")
        this.#refusals.note(() =>
          this.options.log.warn("login through the OpenID provider failed", {
            reason: String(error.cause ?? error.message),
          }),
        );
      throw error;
    });
  }

  async #begin(
    who: { userId: number | undefined; name: string; role: string; tenants: string[] },
    lifetime: number,
    from: string,
  ): Promise<string> {
    const { sessions, random, clock, record } = this.options;
    this.#begun++;
    await this.#prune();
    const secret = makeSecret(random);
    await sessions.add({ ...who, hash: hashOf(secret), ends: clock.wall() + lifetime });
    record({ who: `user ${who.name}`, from }, "login", [who.role, ...who.tenants].join(" "));
    // older sessions may have ended for it
    void this.#live.check();
    return secret;
  }

  async #prune(): Promise<void> {
    const { sessions, clock, limits } = this.options;
    if (clock.now() - this.#pruned < PRUNED_EVERY) return;
    this.#pruned = clock.now();
    await sessions.prune(clock.wall() - limits.idle);
  }

  async logout(secret: string, from: string): Promise<void> {
    const principal = await this.ofSession(secret, from);
    if (!principal) return;
    await this.options.sessions.end(hashOf(secret));
    this.options.record(actorOf(principal), "logout", "");
    void this.#live.check();
  }

  /** Whose session this is; undefined: nobody's. */
  async ofSession(secret: string, from: string): Promise<Principal | undefined> {
    if (!isSecret(secret)) return undefined;
    const { sessions, clock, limits } = this.options;
    const hash = hashOf(secret);
    const found = await sessions.find(hash);
    const now = clock.wall();
    if (!found || now >= found.ends || now - found.seen >= limits.idle) return undefined;
    return { ...standing(found), name: found.name, via: "session", from };
  }

  /** It is used now, which keeps it from ending for lack of use. */
  async useSession(secret: string): Promise<void> {
    const { sessions, clock } = this.options;
    await sessions.touch(hashOf(secret), clock.wall() - NOTED_EVERY);
  }

  /** Whose API token this is; undefined: nobody's. */
  async ofToken(text: string, from: string): Promise<Principal | undefined> {
    const parsed = parseToken(text);
    if (!parsed) return undefined;
    const { tokens, clock } = this.options;
    const found = await tokens.find(parsed.id);
    const now = clock.wall();
    if (!found || !same(found.hash, hashOf(parsed.secret)) || now >= found.expires) return undefined;
    if (now - (found.used ?? 0) >= NOTED_EVERY) await tokens.touch(parsed.id);
    const scope = found.scope.filter((right): right is Right => RIGHTS.includes(right as Right));
    return { ...standing(found), name: found.user, via: "token", from, token: { name: found.name, scope } };
  }

  /** Notes in the audit that somebody wanted what he may not do. */
  refused(principal: Principal, what: string): void {
    this.#refusals.note((untold) =>
      this.options.record(actorOf(principal), "web.refuse", withUntold(what, untold)),
    );
  }

  close(): void {
    this.#live.close();
  }
}

/** What the registry has of somebody, made sure of: a role that this release does not know may nothing. */
function standing({
  role,
  tenants,
}: {
  role: string;
  tenants: string[];
}): Pick<Principal, "role" | "tenants"> {
  const known = ROLES.find((each): each is Role => each === role);
  if (!known) throw new FarsiteError("E_LOGIN", "this release of the hub does not know the user's role");
  return { role: known, tenants: isTenantRole(known) ? tenants : "all" };
}
