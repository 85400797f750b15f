/** A host or service at its core: what a command must know of it, and how its effect is seen. */

import { Refusal } from "../../../common/livestatus/index.ts";
import type { Row, Value } from "../../livestatus/federation/index.ts";
import type { GatedSite } from "../../livestatus/index.ts";
import type { Cores, Target } from "../index.ts";

/** How it is. */
export interface Condition {
  state: number;
  acknowledged: boolean;
  /** s since the epoch. */
  lastCheck: number;
  /** Another service whose check brings this one's result; undefined: it is checked itself. */
  checkedBy: string | undefined;
  /** Of a host. */
  services: number;
}

/** Of the hub in a comment or a downtime. */
export interface Mark {
  author: string;
  comment: string;
}

export interface Span {
  from: number;
  to: number;
}

/** Checkmk's service that brings the results of most others of its host. */
const CHECKED_BY = "Check_MK";
/** Its way to name the checks of such services. */
const BROUGHT = /^check_mk-/;
/** Bytes of an answer about one object: it may have many downtimes. */
const LARGEST = 1 << 20;
/** Downtimes of one object that are looked at. */
export const MOST_MARKS = 100;

export class CoreObject {
  constructor(
    private readonly cores: Cores,
    private readonly site: GatedSite,
    readonly target: Target,
    /** ms until an answer must be there. */
    private readonly within: number,
  ) {}

  /** Undefined: the core does not know it. Rejects with a Refusal. */
  async condition(): Promise<Condition | undefined> {
    const { host, service } = this.target;
    const [row] =
      service === undefined
        ? await this.#rows(
            "GET hosts",
            "Columns: state acknowledged last_check check_command num_services",
            `Filter: name = ${host}`,
          )
        : await this.#rows(
            "GET services",
            "Columns: state acknowledged last_check check_command",
            `Filter: host_name = ${host}`,
            `Filter: description = ${service}`,
          );
    if (!row) return undefined;
    const [state, acknowledged, lastCheck, command, services] = row;
    return {
      state: number(state),
      acknowledged: number(acknowledged) !== 0,
      lastCheck: number(lastCheck),
      checkedBy: BROUGHT.test(String(command)) && service !== CHECKED_BY ? CHECKED_BY : undefined,
      services: number(services ?? 0),
    };
  }

  /** Ids of its own downtimes. */
  async downtimes(): Promise<number[]> {
    const rows = await this.#rows("GET downtimes", "Columns: id", ...this.#own(), `Limit: ${MOST_MARKS}`);
    return rows.map(([id]) => number(id));
  }

  /** How many downtimes of these words and times there are: its own, or those of its services. */
  async downtimesOf(
    { author, comment }: Mark,
    { from, to }: Span,
    whose: "own" | "services",
  ): Promise<number> {
    const rows = await this.#rows(
      "GET downtimes",
      "Columns: author comment",
      ...(whose === "own"
        ? this.#own()
        : [`Filter: host_name = ${this.target.host}`, "Filter: is_service = 1"]),
      `Filter: start_time = ${from}`,
      `Filter: end_time = ${to}`,
    );
    return rows.filter((row) => row[0] === author && row[1] === comment).length;
  }

  #own(): string[] {
    const { host, service } = this.target;
    return [
      `Filter: host_name = ${host}`,
      ...(service === undefined
        ? ["Filter: is_service = 0"]
        : ["Filter: is_service = 1", `Filter: service_description = ${service}`]),
    ];
  }

  #rows(...lines: string[]): Promise<Row[]> {
    const wanted = { text: lines.join("\n"), largest: LARGEST, within: this.within };
    return this.cores.rows(this.site, wanted);
  }

  /** Gives its core a command. Rejects with a Refusal. */
  tell(command: string): Promise<void> {
    return this.cores.tell(this.site, command, this.within);
  }
}

function number(value: Value | undefined): number {
  if (typeof value === "boolean") return Number(value);
  if (typeof value === "number") return value;
  throw new Refusal(502, "its answer cannot be read: it holds no number where one was asked for");
}
