/** `npm run bench`: the same load through Farsite and through what people use instead, in one run. */
import { constants, loadavg } from "node:os";
import { reasonOf } from "../../common/errors.ts";
import { Load } from "./load/load.ts";
import { commit, machine } from "./machine.ts";
import { measure } from "./measure.ts";
import { type Options, parseOptions } from "./options.ts";
import { installPackages } from "./packages.ts";
import { direct } from "./peers/direct.ts";
import { farsite } from "./peers/farsite.ts";
import type { PeerName, Way } from "./peers/peer.ts";
import { ssh } from "./peers/ssh.ts";
import { stunnel } from "./peers/stunnel.ts";
import { type Report, renderTable, reportRows } from "./report.ts";
import { Scope } from "./scope.ts";

const PEERS = [direct, farsite, ssh, stunnel];

const FULL = { rounds: 5, effort: { seconds: 1.5, mebibytes: 1024 }, endMs: Number.POSITIVE_INFINITY };
/** `endMs` after the start nothing new is begun, nor before it what would probably end later. */
const QUICK = { rounds: 3, effort: { seconds: 0.25, mebibytes: 192 }, endMs: 44_000 };

function progress(line: string): void {
  process.stderr.write(`bench: ${line}\n`);
}

/**
 * Opens the ways one after the other. What Farsite is compared with is left out, with a word, when this
 * machine cannot have it; that Farsite itself does not start is one of the `failures`.
 */
async function open(core: number, scope: Scope, failures: string[]): Promise<Map<PeerName, Way>> {
  const ways = new Map<PeerName, Way>();
  for (const peer of PEERS) {
    try {
      ways.set(peer.name, await peer.start(core, scope));
    } catch (error) {
      scope.ending.throwIfAborted();
      progress(`${peer.name} left out: ${reasonOf(error)}`);
      if (peer === direct || peer === farsite)
        failures.push(`${peer.name} did not start: ${reasonOf(error)}`);
    }
  }
  return ways;
}

/** Measures and prints; says whether everything went well. */
async function bench(options: Options, scope: Scope): Promise<boolean> {
  const kind = options.quick ? QUICK : FULL;
  const begun = performance.now();
  const [load1 = 0] = loadavg();
  if (load1 > 0.5)
    progress(`the load average is ${load1.toFixed(1)}: other work on this machine spoils figures`);
  const failures: string[] = [];
  progress("starting the core and the ways to it");
  const load = await Load.build(scope);
  const ways = await open(await load.serve(), scope, failures);
  const results = await measure(ways, load, {
    cases: options.cases,
    rounds: options.rounds ?? kind.rounds,
    effort: kind.effort,
    limitMs: begun + kind.endMs - performance.now(),
    ending: scope.ending,
    progress,
  });
  failures.push(...results.failures);
  const report: Report = { machine: machine(), commit: commit(), rows: reportRows(options.cases, results) };
  process.stdout.write(`${options.json ? JSON.stringify(report) : renderTable(report)}\n`);
  for (const failure of failures) progress(`FAILED ${failure}`);
  return failures.length === 0;
}

/** Gives the status to exit with. */
async function runToEnd(options: Options, scope: Scope): Promise<number> {
  try {
    return (await bench(options, scope)) ? 0 : 1;
  } catch (error) {
    if (scope.ending.aborted) return new Promise(() => {}); // the interruption says how it ends
    progress(reasonOf(error));
    return 1;
  } finally {
    await scope.end();
  }
}

/** Resolves with the status to exit with once a signal has ended the scope. */
function interruption(scope: Scope): Promise<number> {
  return new Promise((resolve) => {
    for (const name of ["SIGHUP", "SIGINT", "SIGTERM"] as const) {
      process.on(name, () => {
        if (!scope.ending.aborted) progress("interrupted, cleaning up");
        void scope.end().then(() => resolve(128 + constants.signals[name]));
      });
    }
  });
}

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2));
  if (typeof options === "number") return options;
  try {
    await installPackages(progress);
  } catch (error) {
    progress(reasonOf(error));
    return 1;
  }
  const scope = new Scope();
  return Promise.race([interruption(scope), runToEnd(options, scope)]);
}

process.exit(await main());
