/** `npm run bench`: the same load through Farsite and through what people use instead, in one run. */
import { constants, loadavg } from "node:os";
import { reasonOf } from "../../common/errors.ts";
import type { Case } from "./cases/case.ts";
import { Load } from "./load/load.ts";
import { commit, machine } from "./machine.ts";
import { measure, type Opened } from "./measure.ts";
import { type Options, parseOptions } from "./options.ts";
import { installPackages } from "./packages.ts";
import { direct } from "./peers/direct.ts";
import { farsite } from "./peers/farsite.ts";
import type { Peer, PeerName, Way } from "./peers/peer.ts";
import { ssh } from "./peers/ssh.ts";
import { stunnel } from "./peers/stunnel.ts";
import { type Report, renderTable, reportRows } from "./report.ts";
import { Scope } from "./scope.ts";
import { type Stage, type StageName, setStage } from "./stage.ts";

/** Over a line stunnel is as direct is: it makes a connection there for each client. */
const PEERS: Record<StageName, readonly Peer[]> = {
  loopback: [direct, farsite, ssh, stunnel],
  long: [direct, farsite, ssh],
  thin: [direct, farsite, ssh],
};

const FULL = {
  rounds: 5,
  effort: { seconds: 1.5, mebibytes: 1024, lineSeconds: 6, restSeconds: 5 },
  endMs: Number.POSITIVE_INFINITY,
};
/** `endMs` after the start nothing new is begun, nor before it what would probably end later. */
const QUICK = {
  rounds: 3,
  effort: { seconds: 0.25, mebibytes: 192, lineSeconds: 1, restSeconds: 0.5 },
  endMs: 44_000,
};

function progress(line: string): void {
  process.stderr.write(`bench: ${line}\n`);
}

/**
 * Opens the ways one after the other. What Farsite is compared with is left out, with a word, when this
 * machine cannot have it; that Farsite itself does not start is one of the `failures`.
 */
async function open(stage: Stage, failures: string[]): Promise<Map<PeerName, Way>> {
  const ways = new Map<PeerName, Way>();
  for (const peer of PEERS[stage.name]) {
    try {
      ways.set(peer.name, await peer.start(stage));
    } catch (error) {
      stage.scope.ending.throwIfAborted();
      progress(`${peer.name} left out: ${reasonOf(error)}`);
      if (peer === direct || peer === farsite)
        failures.push(`${peer.name} did not start: ${reasonOf(error)}`);
    }
  }
  return ways;
}

/** Sets the stages that the cases need. A line that this machine cannot have is left out, with a word. */
async function openStages(
  cases: readonly Case[],
  load: Load,
  scope: Scope,
  failures: string[],
): Promise<Map<StageName, Opened>> {
  const stages = new Map<StageName, Opened>();
  const set = async (name: StageName): Promise<void> => {
    try {
      const stage = await setStage(name, load, scope);
      stages.set(name, { stage, ways: await open(stage, failures) });
    } catch (error) {
      scope.ending.throwIfAborted();
      const without = cases.filter((item) => item.stage === name).map((item) => item.name);
      progress(`${without.join(", ")} left out: ${reasonOf(error)}`);
      if (name === "loopback") failures.push(reasonOf(error));
    }
  };
  await Promise.all([...new Set(cases.map(({ stage }) => stage))].map(set));
  return stages;
}

/** Measures and prints; says whether everything went well. */
async function bench(options: Options, scope: Scope): Promise<boolean> {
  const kind = options.quick ? QUICK : FULL;
  const begun = performance.now();
  const [load1 = 0] = loadavg();
  if (load1 > 0.5)
    progress(`the load average is ${load1.toFixed(1)}: other work on this machine spoils figures`);
  const failures: string[] = [];
  if (options.leftOut.length > 0) {
    const names = options.leftOut.map((item) => item.name);
    progress(`${names.join(", ")} left out: too long for --quick; --case asks for them`);
  }
  progress("starting the core and the ways to it");
  const load = await Load.build(scope);
  const stages = await openStages(options.cases, load, scope, failures);
  const cases = options.cases.filter((item) => stages.has(item.stage));
  const results = await measure(stages, {
    cases,
    rounds: options.rounds ?? kind.rounds,
    effort: kind.effort,
    limitMs: begun + kind.endMs - performance.now(),
    ending: scope.ending,
    progress,
  });
  failures.push(...results.failures);
  const report: Report = { machine: machine(), commit: commit(), rows: reportRows(cases, results) };
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
