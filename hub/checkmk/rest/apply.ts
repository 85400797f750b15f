/**
 * Brings a central site's connections to what the hub knows. What it has made is in the hub's ledger, with the
 * socket it gave it; a connection that is not there, or has another socket by now, is somebody else's and is left
 * alone.
 */

import { FarsiteError } from "../../../common/errors.ts";
import {
  type Connection,
  type Dialect,
  dialectOf,
  hasSiteApi,
  type Plan,
  pathOf,
  socketText,
  type Wishes,
} from "../index.ts";
import type { Central, CentralVersion } from "./central.ts";
import { RestFailure } from "./problem.ts";
import {
  type Change,
  changedConfig,
  differences,
  newConfig,
  type SiteConfig,
  socketOfConfig,
} from "./site-config.ts";

/** A connection that was made at the central site. */
export interface Made {
  id: string;
  tenant: string;
  site: string;
  /** As `socketText` writes it. */
  socket: string;
}

/** Remembers what was made. */
export interface Ledger {
  list(): Promise<Made[]>;
  /** Before it is made: after a crash it must be known whose it is. */
  note(made: Made): Promise<void>;
  forget(id: string): Promise<void>;
}

export interface ApplyOptions {
  central: Pick<Central, "version" | "connections" | "connection" | "create" | "update" | "remove">;
  ledger: Ledger;
  plan: Plan;
  wishes: Wishes;
  /** Only what was made for this tenant is removed. */
  tenant?: string | undefined;
  /** Remove what was made for sites that are there no more. */
  prune?: boolean | undefined;
  /** IDs of connections that were made by hand and are taken over. */
  adopt?: ReadonlySet<string> | undefined;
  /** Say what would be done. */
  dryRun?: boolean | undefined;
}

export interface Outcome {
  tenant: string;
  site: string;
  id: string | undefined;
  /** What was, or would be, done; `leave` is nothing. */
  action: "create" | "update" | "keep" | "remove" | "leave";
  changes: Change[];
  /** Why it is left alone though nothing is wrong. */
  reason?: string;
  /** Why it was not done. */
  error?: FarsiteError;
}

/** After these the next request would end the same way. */
const HOPELESS: ReadonlySet<string> = new Set([
  "E_CHECKMK_AUTH",
  "E_CHECKMK_UNREACHABLE",
  "E_CHECKMK_TLS",
  "E_HUB_DOWN",
]);

/**
 * What is done, connection by connection: what fails with one does not keep it from the next.
 * @throws what the central site's release or its list of connections cannot be had for
 */
export async function* apply(options: ApplyOptions): AsyncGenerator<Outcome> {
  const run = await Run.begin(options);
  const { connections, leftOut } = options.plan;
  let hopeless: FarsiteError | undefined;
  for (const work of [...run.removals(), ...connections.map((each) => run.connect(each))]) {
    const outcome = hopeless ? work.given(notTried(hopeless)) : await work.done();
    if (outcome.error && HOPELESS.has(outcome.error.code)) hopeless ??= outcome.error;
    yield outcome;
  }
  for (const { tenant, site, reason } of leftOut) {
    yield { tenant, site, id: undefined, action: "leave", changes: [], reason };
  }
}

function notTried({ code }: FarsiteError): FarsiteError {
  return new FarsiteError(code, "not tried after that");
}

/** One thing to do: do it, or say that it was given up. */
interface Work {
  done(): Promise<Outcome>;
  given(error: FarsiteError): Outcome;
}

class Run {
  private constructor(
    private readonly options: ApplyOptions,
    private readonly release: CentralVersion,
    private readonly dialect: Dialect,
    private readonly present: Map<string, SiteConfig | undefined>,
    private readonly made: Map<string, Made>,
  ) {}

  static async begin(options: ApplyOptions): Promise<Run> {
    const { central, ledger } = options;
    const release = await central.version();
    if (!hasSiteApi(release.checkmk)) {
      throw new FarsiteError(
        "E_CHECKMK_ANSWER",
        `the central site is Checkmk ${release.checkmk}: its REST API has no site connections before 2.2`,
        "farsite-hub checkmk sites.mk prints them as a file.",
      );
    }
    const present = await central.connections();
    const made = new Map((await ledger.list()).map((each) => [each.id, each]));
    return new Run(options, release, dialectOf(release.checkmk), present, made);
  }

  /** What was made for sites, or under IDs, that are not wanted any more. */
  removals(): Work[] {
    const { plan, tenant, prune } = this.options;
    if (!prune) return [];
    const wanted = new Set(plan.connections.map((each) => `${pathOf(each)} ${each.id}`));
    const spared = new Set(plan.leftOut.map(pathOf));
    return [...this.made.values()]
      .filter((entry) => tenant === undefined || entry.tenant === tenant)
      .filter((entry) => !wanted.has(`${pathOf(entry)} ${entry.id}`) && !spared.has(pathOf(entry)))
      .map((entry) => this.#work({ ...entry, action: "remove", changes: [] }, () => this.#remove(entry)));
  }

  connect(connection: Connection): Work {
    const { tenant, site, id } = connection;
    return this.#work({ tenant, site, id, action: "leave", changes: [] }, () => this.#connect(connection));
  }

  #work({ tenant, site, id, action, changes }: Outcome, work: () => Promise<Partial<Outcome>>): Work {
    const none: Outcome = { tenant, site, id, action, changes };
    const given = (error: FarsiteError): Outcome => ({ ...none, error });
    const done = async () => {
      try {
        return { ...none, ...(await work()) };
      } catch (error) {
        if (error instanceof FarsiteError) return given(error);
        throw error;
      }
    };
    return { done, given };
  }

  async #connect(connection: Connection): Promise<Partial<Outcome>> {
    const { id, noReplication } = connection;
    if (this.options.wishes.replicate && noReplication !== undefined) {
      throw new FarsiteError(
        "E_SITE_ID",
        `it cannot take configuration from the central site: ${noReplication}`,
      );
    }
    const entry = this.made.get(id);
    if (entry && pathOf(entry) !== pathOf(connection)) {
      throw new FarsiteError(
        "E_SITE_ID",
        `the connection ${id} at the central site is that of ${pathOf(entry)}`,
        "If that site is gone, --prune removes its connection first. If not, one of the two needs another ID.",
      );
    }
    if (!this.present.has(id)) return this.#create(connection, entry);
    this.#claim(connection, this.present.get(id), entry);
    return this.#update(connection, entry);
  }

  async #create(connection: Connection, entry: Made | undefined): Promise<Partial<Outcome>> {
    const { central, ledger, wishes, dryRun } = this.options;
    // where sites belong to customers, one must be named: its own, by the name of the tenant
    const customer = connection.customer ?? (this.release.managed ? connection.tenant : undefined);
    const config = newConfig(connection, wishes, this.dialect, customer);
    const outcome = { action: "create", changes: differences(undefined, config) } as const;
    if (dryRun) return outcome;
    await ledger.note(madeOf(connection));
    try {
      await central.create(config);
    } catch (error) {
      // it was refused, and if it is there all the same it is another's
      if (error instanceof RestFailure && error.status < 500 && !entry) await ledger.forget(connection.id);
      throw error;
    }
    return outcome;
  }

  /** @throws E_CHECKMK_FOREIGN it is not ours */
  #claim({ id, socket }: Connection, config: SiteConfig | undefined, entry: Made | undefined): void {
    if (this.options.adopt?.has(id)) return;
    const found = config && socketOfConfig(config);
    if (entry && found !== undefined && (found === entry.socket || found === socketText(socket))) return;
    throw new FarsiteError(
      "E_CHECKMK_FOREIGN",
      entry
        ? `the connection ${id} was changed by somebody else: its socket is ${found ?? "unknown"}`
        : `the central site has a connection ${id} that was not made here (socket ${found ?? "unknown"})`,
      `It is left alone. To take it over: --adopt ${id}`,
    );
  }

  async #update(connection: Connection, entry: Made | undefined): Promise<Partial<Outcome>> {
    const { central, ledger, wishes, dryRun } = this.options;
    const { id } = connection;
    for (let again = false; ; again = true) {
      const { config: before, etag } = dryRun ? this.#listed(id) : await central.connection(id);
      // it may be another one since it was listed
      this.#claim(connection, before, entry);
      const after = changedConfig(before, connection, wishes, this.dialect);
      const changes = differences(before, after);
      const outcome = { action: changes.length === 0 ? "keep" : "update", changes } as const;
      if (dryRun) return outcome;
      try {
        if (changes.length > 0) await central.update(id, after, etag);
      } catch (error) {
        const outdated = error instanceof RestFailure && error.status === 412;
        if (outdated && !again) continue;
        throw error;
      }
      if (entry?.socket !== socketText(connection.socket)) await ledger.note(madeOf(connection));
      return outcome;
    }
  }

  #listed(id: string): { config: SiteConfig; etag: undefined } {
    const config = this.present.get(id);
    if (config) return { config, etag: undefined };
    throw new FarsiteError("E_CHECKMK_ANSWER", `the connection ${id} is not as the REST API promises`);
  }

  async #remove(entry: Made): Promise<Partial<Outcome>> {
    const { central, ledger, dryRun } = this.options;
    const { id } = entry;
    if (this.present.has(id)) {
      const config = this.present.get(id);
      const found = config && socketOfConfig(config);
      if (found !== entry.socket) {
        throw new FarsiteError(
          "E_CHECKMK_FOREIGN",
          `the connection ${id} was changed by somebody else: its socket is ${found ?? "unknown"}`,
          "It is left alone. Remove it by hand.",
        );
      }
      if (!dryRun) await central.remove(id);
    }
    if (!dryRun) await ledger.forget(id);
    const gone = !this.present.delete(id);
    // what follows is to see it gone, also when it only would be
    this.made.delete(id);
    return gone ? { reason: "it was gone already" } : {};
  }
}

function madeOf({ id, tenant, site, socket }: Connection): Made {
  return { id, tenant, site, socket: socketText(socket) };
}
