/** Who is who at the web interface: logins, sessions, tokens. Gives whoever is known a Reach. */

import { FarsiteError } from "../../common/errors.ts";
import type { Random } from "../../common/random.ts";
import type { ApiTokens, Users, WebSessions } from "../registry/index.ts";
import { verifyPassword } from "./password.ts";
import { isTenantRole, type Principal, RIGHTS, type Right, ROLES, type Role } from "./principal.ts";
import { Reach, type ReachParts } from "./reach.ts";
import { hashOf, isSecret, makeSecret, same } from "./secret.ts";

export interface AccessOptions extends ReachParts {
  users: Users;
  sessions: WebSessions;
  tokens: ApiTokens;
  random: Random;
  /** Wall clock, ms. */
  wall: () => number;
  /** ms without a request after which a session ends, and after which it ends in any case. */
  idle: number;
  lifetime: number;
}

/** ms between two notes that a session or a token is in use. */
const NOTED_EVERY = 60_000;
/** `farsite_ID_SECRET` */
const API_TOKEN = /^farsite_([0-9a-f]{16})_([A-Za-z0-9_-]{43})$/;

export class Access {
  constructor(private readonly options: AccessOptions) {}

  reach(principal: Principal): Reach {
    return new Reach(this.options, principal);
  }

  /** Logs a local user in; gives the session's secret. Throws E_LOGIN. */
  async login(name: string, password: string, _from: string): Promise<string> {
    const { users, sessions, random, wall, lifetime } = this.options;
    const user = await users.find(name);
    if (!(await verifyPassword(password, user?.passwordHash)) || !user) {
      throw new FarsiteError("E_LOGIN", "the user name or the password is wrong");
    }
    const secret = makeSecret(random);
    const { id, role, tenants } = user;
    await sessions.add({ hash: hashOf(secret), userId: id, name, role, tenants, ends: wall() + lifetime });
    return secret;
  }

  async logout(secret: string): Promise<void> {
    await this.options.sessions.end(hashOf(secret));
  }

  /** Whose session this is; undefined: nobody's. */
  async ofSession(secret: string, from: string): Promise<Principal | undefined> {
    if (!isSecret(secret)) return undefined;
    const { sessions, wall, idle } = this.options;
    const hash = hashOf(secret);
    const found = await sessions.find(hash);
    const now = wall();
    if (!found || now >= found.ends || now - found.seen >= idle) return undefined;
    if (now - found.seen >= NOTED_EVERY) await sessions.touch(hash);
    return { ...standing(found), name: found.name, via: "session", from };
  }

  /** Whose API token this is; undefined: nobody's. */
  async ofToken(text: string, from: string): Promise<Principal | undefined> {
    const [, id, secret] = API_TOKEN.exec(text) ?? [];
    if (id === undefined || secret === undefined) return undefined;
    const { tokens, wall } = this.options;
    const found = await tokens.find(id);
    const now = wall();
    if (!found || !same(found.hash, hashOf(secret)) || now >= found.expires) return undefined;
    if (now - (found.used ?? 0) >= NOTED_EVERY) await tokens.touch(id);
    const scope = found.scope.filter((right): right is Right => RIGHTS.includes(right as Right));
    return { ...standing(found), name: found.user, via: "token", from, token: { name: found.name, scope } };
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
