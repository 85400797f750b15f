/** Gives commands about problems to the cores, each once, and looks for their effect. */

import type { Clock } from "../../../common/clock.ts";
import { FarsiteError } from "../../../common/errors.ts";
import { Refusal } from "../../../common/livestatus/index.ts";
import { printable } from "../../../common/text.ts";
import type { GatedSite } from "../../livestatus/index.ts";
import type { Actor } from "../../registry/index.ts";
import type { Cores, Target } from "../index.ts";
import { type CommandResult, type ProblemCommand, problemCommand } from "./command.ts";
import { isName } from "./names.ts";
import { CoreObject } from "./object.ts";
import { type Plan, planOf, type Step } from "./plan.ts";

export interface CommandsOptions {
  cores: Cores;
  clock: Clock;
  /** Writes into the audit. */
  audit: (actor: Actor, action: string, site: string, detail: string) => Promise<void>;
  /** ms until an answer must be there. */
  within: number;
  /** ms in which the core must show the effect. */
  confirm: number;
}

/** Commands under way at the same time. */
const AT_ONCE = 64;
/** ms between two looks for the effect: the first, and the most. */
const FIRST_LOOK = 100;
const LAST_LOOK = 1_000;
/** UTF-16 units of who gave the command, for the core, and of a comment in the audit. */
const LONGEST_AUTHOR = 64;
const LONGEST_DETAIL = 200;

/** Refusals that say that nothing was sent, or nothing let in. */
const NOT_SENT: ReadonlySet<number> = new Set([400, 403, 409, 413, 429]);

export class Commands {
  readonly #options: CommandsOptions;
  #underWay = 0;

  constructor(options: CommandsOptions) {
    this.#options = options;
  }

  /** @param site that the target names. @throws FarsiteError E_NAME, E_USAGE, E_LIMIT */
  async run(actor: Actor, site: GatedSite, target: Target, wanted: ProblemCommand): Promise<CommandResult> {
    const { data: command } = problemCommand.safeParse(wanted);
    if (!command) throw new FarsiteError("E_USAGE", "the command is malformed");
    for (const name of [target.host, target.service]) {
      if (name === undefined || isName(name)) continue;
      const what = name === target.host ? "host" : "service";
      throw new FarsiteError("E_NAME", `no command can name this ${what}: ${printable(name, 80)}`);
    }
    if (this.#underWay >= AT_ONCE) {
      throw new FarsiteError("E_LIMIT", `${AT_ONCE} commands are under way`, "Try again in a moment.");
    }
    this.#underWay++;
    try {
      return await this.#run(actor, site, target, command);
    } finally {
      this.#underWay--;
    }
  }

  async #run(actor: Actor, site: GatedSite, target: Target, command: ProblemCommand): Promise<CommandResult> {
    const { cores, within, clock } = this.#options;
    const object = new CoreObject(cores, site, target, within);
    const note = (outcome: string) => this.#note(actor, target, command, outcome);
    let plan: Plan;
    try {
      const before = await object.condition();
      if (!before)
        throw new Refusal(409, `the core has no such ${target.service === undefined ? "host" : "service"}`);
      const author = printable(actor.who, LONGEST_AUTHOR).replaceAll(";", ",").trim() || "farsite";
      plan = await planOf(object, command, before, author, Math.floor(clock.wall() / 1_000));
    } catch (error) {
      return note(`not sent: ${refusalOf(error).message}`).then(() => refused(error));
    }
    // who has done it must be known, whatever becomes of this process: so before it is sent
    await note("sent");
    const failure = await this.#send(object, plan.steps);
    if (failure && NOT_SENT.has(failure.code)) {
      return note(`refused: ${failure.message}`).then(() => refused(failure));
    }
    return this.#confirm(plan, failure);
  }

  /** What went wrong; what comes after that is not sent. Nothing is sent twice. */
  async #send(object: CoreObject, steps: readonly Step[]): Promise<Refusal | undefined> {
    try {
      for (const { command, unless } of steps) {
        if (await unless?.()) continue;
        await object.tell(`[${Math.floor(this.#options.clock.wall() / 1_000)}] ${command}`);
      }
      return undefined;
    } catch (error) {
      return refusalOf(error);
    }
  }

  async #confirm({ shown }: Plan, failure: Refusal | undefined): Promise<CommandResult> {
    const { clock, confirm } = this.#options;
    const until = clock.now() + confirm;
    let reason = failure?.message ?? `the core does not show it within ${Math.round(confirm / 1_000)} s`;
    for (let pause = FIRST_LOOK; ; pause = Math.min(2 * pause, LAST_LOOK)) {
      try {
        if (await shown()) return { outcome: "done" };
      } catch (error) {
        reason = refusalOf(error).message;
      }
      if (clock.now() + pause > until) return { outcome: "sent", reason };
      await new Promise<void>((resolve) => clock.after(pause, resolve));
    }
  }

  #note(actor: Actor, target: Target, command: ProblemCommand, outcome: string): Promise<void> {
    const { tenant, site, host, service } = target;
    const what = service === undefined ? host : `${host} / ${service}`;
    const detail = [what, ...detailsOf(command), outcome].join("; ");
    return this.#options.audit(actor, `problem.${command.kind}`, `${tenant}/${site}`, detail);
  }
}

function detailsOf(command: ProblemCommand): string[] {
  switch (command.kind) {
    case "acknowledge":
      return [printable(command.comment, LONGEST_DETAIL)];
    case "downtime": {
      const [from, to] = [command.from, command.to].map((at) => new Date(at * 1_000).toISOString());
      const services = command.services ? ["with its services"] : [];
      return [`${from} to ${to}`, ...services, printable(command.comment, LONGEST_DETAIL)];
    }
    default:
      return [];
  }
}

function refused(error: unknown): CommandResult {
  return { outcome: "refused", reason: refusalOf(error).message };
}

function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  throw error;
}
