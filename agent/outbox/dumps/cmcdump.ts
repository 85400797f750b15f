/**
 * What Checkmk's `cmcdump` prints: commands that tell another core of the vendor's how hosts and services are. What
 * follows the names in them is nowhere described, and goes on as it is.
 */
import { MAX_SHADOW, SHADOW } from "../../../common/outbox/index.ts";
import { Reading } from "./record.ts";

const COMMAND = /^COMMAND \[\d{10}\] UPDATE_SHADOW_(HOST|SERVICE)_STATE;(.+)$/;

export function readCmcdump(text: string): Reading {
  const reading = new Reading(SHADOW);
  for (const [at, line] of text.split("\n").entries()) {
    if (line === "") continue;
    const [, kind, words = ""] = COMMAND.exec(line) ?? [];
    const [host = "", ...more] = words.split(";");
    const description = kind === "SERVICE" ? more.shift() : undefined;
    const args = more.join(";");
    if (
      kind === undefined ||
      host === "" ||
      description === "" ||
      more.length === 0 ||
      args.length > MAX_SHADOW
    ) {
      reading.refuse(`line ${at + 1} is no command of cmcdump's for a host's or service's state`);
    } else if (description === undefined) reading.add([host], { host: [host, args] });
    else reading.add([host, description], { service: [host, description, args] });
  }
  return reading;
}
