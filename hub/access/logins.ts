/** Who logs in with a password: how often it may be tried, and what the audit gets to know of it. */

import type { Clock } from "../../common/clock.ts";
import { FarsiteError } from "../../common/errors.ts";
import { Notices, withUntold } from "../../common/notices.ts";
import { Refusals } from "../../common/refusals.ts";
import { Turns } from "../../common/turns.ts";
import type { Actor, StoredUser, Users } from "../registry/index.ts";
import { Lockout } from "./lockout.ts";
import type { Passwords } from "./password.ts";
import { TooOften } from "./too-often.ts";

/** Writes into the audit; what cannot be written is logged. */
export type Recorder = (actor: Actor, action: string, detail: string) => void;

export interface LoginsOptions {
  users: Pick<Users, "find">;
  passwords: Passwords;
  clock: Clock;
  record: Recorder;
  /** Failures with one name after which it is locked, and ms for which it is. */
  failures: number;
  lock: number;
  /** Failures of one address within a minute. */
  failuresPerAddress: number;
}

/** Passwords that are looked at together, at 64 MiB each, and that wait for it. */
const TOGETHER = 2;
const MOST_WAITING = 64;
const MINUTE = 60_000;
/** Failures that are told one by one; then one a second. */
const TOLD_AT_ONCE = 20;

export class Logins {
  readonly #lockout: Lockout;
  readonly #refusals: Refusals;
  readonly #turns = new Turns(TOGETHER);
  readonly #failures: Notices;
  /** Logins that failed, since the hub's start. */
  failed = 0;

  constructor(private readonly options: LoginsOptions) {
    const { clock, failuresPerAddress } = options;
    this.#lockout = new Lockout(options);
    this.#refusals = new Refusals(clock, failuresPerAddress);
    this.#failures = new Notices(clock, TOLD_AT_ONCE);
  }

  /** The user whose password this is. Throws E_LOGIN or E_TOO_OFTEN; neither tells whether there is such a user. */
  async check(name: string, password: string, from: string): Promise<StoredUser> {
    this.admit(from);
    if (this.#turns.waiting >= MOST_WAITING) throw new TooOften("too many people log in just now", 10_000);
    const locked = this.#lockout.left(name, from);
    if (locked > 0) {
      this.#refusals.note(from);
      throw new TooOften("there were too many failed logins with this name", locked);
    }
    // before it is known: many tries at once are as many tries
    const locks = this.#lockout.failed(name, from);
    const { users, passwords } = this.options;
    const user = await users.find(name);
    if ((await this.#turns.take(() => passwords.verify(password, user?.passwordHash))) && user) {
      this.#lockout.succeeded(name, from);
      return user;
    }
    // who mistypes puts the password where the name belongs
    const who = user ? `user ${name}` : "unknown user";
    this.refuse({ who, from }, locks ? "wrong password; the name is locked" : "wrong name or password");
    throw new FarsiteError("E_LOGIN", "the user name or the password is wrong");
  }

  /** Throws E_TOO_OFTEN. */
  admit(from: string): void {
    if (this.#refusals.tooMany(from))
      throw new TooOften("there were too many failed logins from here", MINUTE);
  }

  /** Notes a login that failed, of whatever kind. */
  refuse(actor: Actor, detail: string): void {
    this.failed++;
    this.#refusals.note(actor.from);
    this.#failures.note((untold) => this.options.record(actor, "login.fail", withUntold(detail, untold)));
  }
}
