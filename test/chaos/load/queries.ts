/** Livestatus clients that ask without end and compare each answer with the core's own, byte by byte. */
import { setTimeout as delay } from "node:timers/promises";
import { reasonOf } from "../../../common/errors.ts";
import type { IcingaSite } from "../../lab/icinga.ts";
import { ask, LivestatusConnection, rows, type Target } from "../../lab/livestatus.ts";
import type { Dice } from "../dice.ts";
import type { Tally } from "./tally.ts";

export interface Question {
  name: string;
  /** Header lines, each with its end, without the empty line at the end. */
  text: string;
  /** All that the core answers, its header included. */
  answer: Buffer;
}

/** Nothing in it changes while nothing in the site does, not even when checks are run again. */
const QUESTIONS: readonly { name: string; text: string }[] = [
  { name: "one host", text: "GET hosts\nColumns: name address alias\nLimit: 1\n" },
  {
    name: "counts",
    text: "GET services\nStats: state = 0\nStats: state = 1\nStats: state = 2\nStats: state = 3\n",
  },
  {
    name: "hosts",
    text: "GET hosts\nColumns: name alias address state plugin_output groups\nOutputFormat: json\n",
  },
  {
    name: "problems",
    text: "GET services\nColumns: host_name description state plugin_output perf_data\nFilter: state != 0\n",
  },
  {
    name: "services",
    text: "GET services\nColumns: host_name host_alias description display_name state plugin_output perf_data groups\nOutputFormat: json\n",
  },
];

/** ms that a client waits for an answer: what Checkmk's waits for the body of one. */
const PATIENCE = 30_000;
/** Clients at once. Icinga serves twice as many as there are processors, and a broken one may hold its place. */
const CLIENTS = 3;
/** Most ms between two callers that ask one short question, whether or not those before have their answers. */
const CALLER_EVERY = 500;
/** Most queries on a kept connection. */
const KEPT = 20;

const FIXED16 = "ResponseHeader: fixed16\n";
const KEEP_ALIVE = "KeepAlive: on\n";

/** The questions with the answers of the core itself. Throws when those are not what the site was made of. */
export async function questionsTo(core: Target, site: IcingaSite): Promise<Question[]> {
  const services = site.hosts.flatMap((host) => host.services);
  const counts = [0, 1, 2, 3].map((state) => services.filter((service) => service.state === state).length);
  const [counted] = await rows(core, QUESTIONS[1]?.text ?? "");
  if (String(counted) !== String(counts)) throw new Error(`the core has ${counted}, the site ${counts}`);
  return Promise.all(
    QUESTIONS.map(async ({ name, text }) => ({ name, text, answer: await ask(core, `${text}${FIXED16}\n`) })),
  );
}

/**
 * Asks at `places` until `stop` is aborted, each client again after up to `pause` ms; resolves when the last answer
 * is there.
 */
export async function queryLoad(
  places: readonly Target[],
  questions: readonly Question[],
  pause: number,
  dice: Dice,
  tally: Tally,
  stop: AbortSignal,
): Promise<void> {
  const callers = dice.fork();
  await Promise.all([
    calls(places, questions, callers, tally, stop),
    ...Array.from({ length: CLIENTS }, async () => {
      const own = dice.fork();
      while (!stop.aborted) {
        const place = own.pick(places.map((each) => [1, each] as const));
        await (own.unit() < 0.5
          ? once(place, questions, own, tally)
          : kept(place, questions, pause, own, tally, stop));
        await delay(own.between(0, pause));
      }
    }),
  ]);
}

/** Clients that come anew also while nothing is answered. */
async function calls(
  places: readonly Target[],
  questions: readonly Question[],
  dice: Dice,
  tally: Tally,
  stop: AbortSignal,
): Promise<void> {
  const open: Promise<void>[] = [];
  while (!stop.aborted) {
    await delay(dice.between(0, CALLER_EVERY));
    const place = dice.pick(places.map((each) => [1, each] as const));
    open.push(once(place, questions.slice(0, 1), dice, tally));
  }
  await Promise.all(open);
}

function draw(questions: readonly Question[], dice: Dice): Question {
  return dice.pick(questions.map((each) => [1, each] as const));
}

/** A query on a connection of its own, which the core closes. */
async function once(place: Target, questions: readonly Question[], dice: Dice, tally: Tally): Promise<void> {
  const question = draw(questions, dice);
  tally.queries++;
  try {
    compare(question, await ask(place, `${question.text}${FIXED16}\n`, { timeoutMs: PATIENCE }), tally);
  } catch (error) {
    tally.fail(`"${question.name}" on a new connection`, reasonOf(error));
  }
}

/** Queries one after the other on one connection. */
async function kept(
  place: Target,
  questions: readonly Question[],
  pause: number,
  dice: Dice,
  tally: Tally,
  stop: AbortSignal,
): Promise<void> {
  const connection = new LivestatusConnection(place, { timeoutMs: PATIENCE });
  try {
    for (let left = dice.between(1, KEPT); left > 0 && !stop.aborted; left--) {
      const question = draw(questions, dice);
      tally.queries++;
      try {
        connection.send(`${question.text}${FIXED16}${KEEP_ALIVE}\n`);
        const { code, body } = await connection.response();
        const header = `${code} ${String(body.length).padStart(11)}\n`;
        compare(question, Buffer.concat([Buffer.from(header), body]), tally);
      } catch (error) {
        tally.fail(`"${question.name}" on a kept connection`, reasonOf(error));
        return;
      }
      await delay(dice.between(0, pause));
    }
  } finally {
    connection.close();
  }
}

function compare({ name, answer }: Question, got: Buffer, tally: Tally): void {
  if (got.equals(answer)) return;
  const at = got.findIndex((byte, index) => byte !== answer[index]);
  tally.mistake(`"${name}"`, `${got.length} bytes for ${answer.length}, first other one at ${at}`);
}
