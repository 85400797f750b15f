/**
 * The line of the outage, as a process of its own, so that what else the test does makes nobody wait. Words: the port of
 * the hub. It prints the port at which agents connect; a line "cut" or "back" on standard input is what happens to it.
 */
import { createInterface } from "node:readline";
import { Cleanup } from "../../lab/cleanup.ts";
import { Relay } from "../line/relay.ts";

/** A port that nobody listens on. */
const NOBODY = 1;

const port = Number(process.argv[2]);
let cut = false;
const cleanup = new Cleanup();
const relay = await Relay.start(() => (cut ? NOBODY : port), 0, cleanup);
process.stdout.write(`${relay.port}\n`);
for await (const line of createInterface({ input: process.stdin })) {
  cut = line === "cut";
  if (cut) for (const connection of relay.connections) connection.kill("reset");
  process.stdout.write(`${line}\n`);
}
await cleanup.run();
