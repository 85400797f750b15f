/**
 * Commands to a central core's Livestatus. There are two of each kind, whatever a site sends: the result of a passive
 * check of a host and of a service, or the state of a shadow host and of one of its services, as `cmcdump` says it.
 * Names in them are checked before, and texts have one line.
 */
import { createConnection, type Socket } from "node:net";
import type { Address } from "../../../common/address.ts";
import type { Clock } from "../../../common/clock.ts";
import { reasonOf } from "../../../common/errors.ts";
import { HEAD_BYTES, parseHead } from "../../../common/livestatus/index.ts";
import { DUMP, SHADOW } from "../../../common/outbox/index.ts";
import type { DumpKind, Told } from "./dump.ts";
import type { Changes, Outlet } from "./outlet.ts";

/** Connects to a core's Livestatus. */
export type Connect = (address: Address) => Socket;

export const connectOverNetwork: Connect = (address) =>
  createConnection(
    address.kind === "unix" ? { path: address.path } : { host: address.host, port: address.port },
  );

/** What is said of hosts and services: undefined where nothing can be. */
interface Language {
  kind: string;
  takes: DumpKind;
  host: string;
  service: string;
  args(told: Told): string | undefined;
}

/** Results of passive checks, which any core takes. */
export const RESULTS: Language = {
  kind: "livestatus",
  takes: DUMP,
  host: "PROCESS_HOST_CHECK_RESULT",
  service: "PROCESS_SERVICE_CHECK_RESULT",
  args: (told) => {
    if ("shadow" in told) return undefined;
    const { state, output, longOutput, perfData } = told;
    const long = longOutput === "" ? "" : `\\n${longOutput.replaceAll("\n", "\\n")}`;
    // the last argument goes to the end of the line, whatever is in it
    return `${state};${output}${perfData === "" ? "" : `|${perfData}`}${long}`;
  },
};

/** States of shadow hosts, which only Checkmk's own core has. */
export const SHADOWS: Language = {
  kind: "shadow-states",
  takes: SHADOW,
  host: "UPDATE_SHADOW_HOST_STATE",
  service: "UPDATE_SHADOW_SERVICE_STATE",
  args: (told) => ("shadow" in told ? told.shadow : undefined),
};

export interface CommandsOptions {
  language: Language;
  /** The core's Livestatus. */
  address: Address;
  connect: Connect;
  clock: Clock;
  /** ms until the core has taken them. */
  timeout: number;
}

/** Commands are not answered; what is asked after them is, once they were read. */
const QUESTION = "GET status\nColumns: program_start\nOutputFormat: json\nResponseHeader: fixed16\n\n";

export class Commands implements Outlet {
  readonly kind: string;
  readonly takes: DumpKind;
  readonly #open = new Set<(reason: string) => void>();

  constructor(private readonly options: CommandsOptions) {
    this.kind = options.language.kind;
    this.takes = options.language.takes;
  }

  async write(_path: string, changes: Changes): Promise<void> {
    if (changes.hosts.size + changes.services.size === 0) return;
    const { language, clock } = this.options;
    const commands = commandsFor(language, changes, clock.wall());
    if (commands !== "") await this.#send(commands + QUESTION);
  }

  #send(requests: string): Promise<void> {
    const { address, connect, clock, timeout } = this.options;
    return new Promise((resolve, reject) => {
      const socket = connect(address);
      let answer = Buffer.alloc(0);
      const finish = (reason: string | undefined): void => {
        timer.cancel();
        this.#open.delete(finish);
        socket.destroy();
        if (reason === undefined) resolve();
        else reject(new Error(reason));
      };
      this.#open.add(finish);
      const timer = clock.after(timeout, () => finish(`the core did not answer within ${timeout / 1000} s`));
      socket.on("connect", () => socket.write(requests));
      socket.on("data", (chunk: Buffer) => {
        answer = Buffer.concat([answer, chunk]);
        if (answer.length < HEAD_BYTES) return;
        const head = parseHead(answer);
        finish(head?.code === 200 ? undefined : "the core answers something else than Livestatus");
      });
      socket.on("error", (error) => finish(reasonOf(error)));
      socket.on("close", () => finish("the core ended the connection"));
    });
  }

  stop(): void {
    for (const finish of this.#open) finish("the hub stops");
  }
}

/** @param time ms since the Unix epoch, by the hub's clock */
export function commandsFor(
  { host, service, args }: Language,
  { hosts, services }: Changes,
  time: number,
): string {
  const seconds = Math.floor(time / 1000);
  const commands: string[] = [];
  const command = (words: string[], told: Told): void => {
    const rest = args(told);
    if (rest !== undefined) commands.push(`COMMAND [${seconds}] ${words.join(";")};${rest}\n\n`);
  };
  for (const [name, told] of hosts) command([host, name], told);
  for (const [name, ofHost] of services) {
    for (const [description, told] of ofHost) command([service, name, description], told);
  }
  return commands.join("");
}
