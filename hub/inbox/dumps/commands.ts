/**
 * Commands to a central core's Livestatus. There are two, whatever a site sends: the result of a passive check of a
 * host, and of a service. Names in them are checked before, and texts have one line.
 */
import { createConnection, type Socket } from "node:net";
import type { Address } from "../../../common/address.ts";
import type { Clock } from "../../../common/clock.ts";
import { reasonOf } from "../../../common/errors.ts";
import { HEAD_BYTES, parseHead } from "../../../common/livestatus/index.ts";
import type { Status } from "./dump.ts";
import type { Changes, Outlet } from "./outlet.ts";

/** Connects to a core's Livestatus. */
export type Connect = (address: Address) => Socket;

export const connectOverNetwork: Connect = (address) =>
  createConnection(
    address.kind === "unix" ? { path: address.path } : { host: address.host, port: address.port },
  );

export interface CommandsOptions {
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
  readonly kind = "livestatus";
  readonly #open = new Set<(reason: string) => void>();

  constructor(private readonly options: CommandsOptions) {}

  async write(_path: string, changes: Changes): Promise<void> {
    if (changes.hosts.size + changes.services.size === 0) return;
    await this.#send(checkCommands(changes, this.options.clock.wall()) + QUESTION);
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
export function checkCommands({ hosts, services }: Changes, time: number): string {
  const seconds = Math.floor(time / 1000);
  const command = (words: string[], { state, output, longOutput, perfData }: Status): string => {
    const long = longOutput === "" ? "" : `\\n${longOutput.replaceAll("\n", "\\n")}`;
    // the last argument goes to the end of the line, whatever is in it
    const text = `${output}${perfData === "" ? "" : `|${perfData}`}${long}`;
    return `COMMAND [${seconds}] ${[...words, state, text].join(";")}\n\n`;
  };
  const commands: string[] = [];
  for (const [name, status] of hosts) commands.push(command(["PROCESS_HOST_CHECK_RESULT", name], status));
  for (const [host, ofHost] of services) {
    for (const [description, status] of ofHost) {
      commands.push(command(["PROCESS_SERVICE_CHECK_RESULT", host, description], status));
    }
  }
  return commands.join("");
}
