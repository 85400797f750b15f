/** Gives external commands to a monitoring core: through its Livestatus, or its command pipe. */

import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { connect } from "node:net";
import { FarsiteError, reasonOf } from "../../common/errors.ts";
import { portNumber } from "../../common/names.ts";

export type CoreAddress = { path: string } | { host: string; port: number } | { pipe: string };

/** ms in which the core must have taken one command. */
const TIMEOUT = 10_000;

/** Reads `unix:PATH`, `tcp:HOST:PORT` (both Livestatus) or `pipe:PATH`. @throws E_USAGE */
export function parseCoreAddress(text: string): CoreAddress {
  const [kind = "", ...rest] = text.split(":");
  const place = rest.join(":");
  if (kind === "unix" && place.startsWith("/")) return { path: place };
  if (kind === "pipe" && place.startsWith("/")) return { pipe: place };
  const colon = place.lastIndexOf(":");
  const port = portNumber.safeParse(Number(place.slice(colon + 1)));
  if (kind === "tcp" && colon > 0 && port.success) {
    return { host: place.slice(0, colon).replace(/^\[|\]$/g, ""), port: port.data };
  }
  throw new FarsiteError(
    "E_USAGE",
    `not a core: ${text}`,
    "Write unix:/omd/sites/central/tmp/run/live, tcp:127.0.0.1:6557, or pipe:/omd/sites/central/tmp/run/nagios.cmd.",
  );
}

/**
 * Gives commands one after another, each `[TIME] NAME;ARGUMENTS` in one line.
 * @throws E_CORE_UNREACHABLE; those before it were taken
 */
export async function deliver(address: CoreAddress, commands: readonly string[]): Promise<void> {
  try {
    if ("pipe" in address) return await intoPipe(address.pipe, commands);
    // cores differ in whether they read on after a command: a connection for each, which the core ends
    for (const command of commands) await throughLivestatus(address, command);
  } catch (error) {
    const place =
      "pipe" in address ? address.pipe : "path" in address ? address.path : `${address.host}:${address.port}`;
    throw new FarsiteError(
      "E_CORE_UNREACHABLE",
      `the core at ${place} takes no check results: ${reasonOf(error)}`,
      "Is the central site started, and may this user write there?",
    );
  }
}

async function intoPipe(path: string, commands: readonly string[]): Promise<void> {
  // without a reader it must fail, and what is no pipe must not be filled
  const file = await open(path, constants.O_WRONLY | constants.O_NONBLOCK);
  try {
    if (!(await file.stat()).isFIFO()) throw new Error("it is no pipe");
    for (const command of commands) await file.writeFile(`${command}\n`);
  } finally {
    await file.close();
  }
}

function throughLivestatus(address: Exclude<CoreAddress, { pipe: string }>, command: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(address);
    const done = (error?: Error) => {
      socket.destroy();
      if (error) reject(error);
      else resolve();
    };
    socket.setTimeout(TIMEOUT, () => done(new Error(`nothing within ${TIMEOUT / 1000} s`)));
    socket.on("error", done);
    // no answer: the core has read it when it ends
    socket.on("end", () => done());
    socket.resume();
    socket.end(`COMMAND ${command}\n\n`);
  });
}
