/**
 * What a core is told for a command, and how its effect is seen. External commands as Nagios defined them, which Naemon,
 * Checkmk's core and Icinga 2 take as well: https://www.naemon.io/documentation/developer/externalcommands/
 */

import { Refusal } from "../../../common/livestatus/index.ts";
import type { ProblemCommand } from "./command.ts";
import { type Condition, type CoreObject, type Mark, MOST_MARKS } from "./object.ts";

export interface Plan {
  /** Sent in this order. */
  steps: readonly Step[];
  /** Whether the core shows the effect. */
  shown: () => Promise<boolean>;
}

export interface Step {
  /** Without the time stamp. */
  command: string;
  /** It is left out when this is so: what was sent before it has had its effect already. */
  unless?: () => Promise<boolean>;
}

const STICKY = 2;
const NOT_STICKY = 1;
/** Seconds of a downtime at most. */
const LONGEST_DOWNTIME = 366 * 86_400;

/**
 * @param author printable, without `;`
 * @param now s since the epoch
 * @throws Refusal it makes no sense for what the object is now
 */
export async function planOf(
  object: CoreObject,
  command: ProblemCommand,
  before: Condition,
  author: string,
  now: number,
): Promise<Plan> {
  const { host, service } = object.target;
  const svc = service !== undefined;
  const name = svc ? `${host};${service}` : host;
  const acknowledged = async () => (await object.condition())?.acknowledged;
  switch (command.kind) {
    case "acknowledge": {
      if (before.state === 0) throw new Refusal(409, "there is nothing to acknowledge: it is well");
      // Icinga 2 ignores a second one, others replace the first
      if (before.acknowledged) throw new Refusal(409, "it is acknowledged already");
      const { sticky, notify, persistent, comment } = command;
      const flags = [sticky ? STICKY : NOT_STICKY, Number(notify), Number(persistent)].join(";");
      return {
        steps: [
          { command: `ACKNOWLEDGE_${svc ? "SVC" : "HOST"}_PROBLEM;${name};${flags};${author};${comment}` },
        ],
        shown: async () => (await acknowledged()) === true,
      };
    }
    case "unacknowledge":
      if (!before.acknowledged) throw new Refusal(409, "it is not acknowledged");
      return {
        steps: [{ command: `REMOVE_${svc ? "SVC" : "HOST"}_ACKNOWLEDGEMENT;${name}` }],
        shown: async () => (await acknowledged()) === false,
      };
    case "downtime":
      return downtime(object, command, before, { author, comment: command.comment }, now);
    case "remove-downtime":
      return removal(object, command.id);
    case "recheck": {
      const { checkedBy, lastCheck } = before;
      const what = svc ? `SVC_CHECK;${host};${checkedBy ?? service}` : `HOST_CHECK;${host}`;
      return {
        steps: [{ command: `SCHEDULE_FORCED_${what};${now}` }],
        shown: async () => ((await object.condition())?.lastCheck ?? 0) > lastCheck,
      };
    }
  }
}

function downtime(
  object: CoreObject,
  { from, to, services }: Extract<ProblemCommand, { kind: "downtime" }>,
  before: Condition,
  mark: Mark,
  now: number,
): Plan {
  const { host, service } = object.target;
  if (to <= from || to <= now) throw new Refusal(409, "the downtime would be over before it begins");
  if (to - from > LONGEST_DOWNTIME) throw new Refusal(409, "the downtime would be longer than a year");
  if (services && service !== undefined) throw new Refusal(409, "a service has no services of its own");
  // fixed, not triggered by another one
  const rest = `${from};${to};1;0;${to - from};${mark.author};${mark.comment}`;
  const name = service === undefined ? host : `${host};${service}`;
  const own = `SCHEDULE_${service === undefined ? "HOST" : "SVC"}_DOWNTIME;${name};${rest}`;
  const span = { from, to };
  const shown = async () => (await object.downtimesOf(mark, span, "own")) > 0;
  return {
    // Icinga 2 takes the first for the host as well
    steps: services
      ? [{ command: `SCHEDULE_HOST_SVC_DOWNTIME;${host};${rest}` }, { command: own, unless: shown }]
      : [{ command: own }],
    shown: async () =>
      (await shown()) && (!services || (await object.downtimesOf(mark, span, "services")) >= before.services),
  };
}

async function removal(object: CoreObject, id: number | undefined): Promise<Plan> {
  const present = await object.downtimes();
  const ids = id === undefined ? present : present.filter((each) => each === id);
  if (ids.length === 0) throw new Refusal(409, "it has no such downtime of its own");
  if (ids.length >= MOST_MARKS)
    throw new Refusal(409, `it has ${MOST_MARKS} downtimes: remove them one by one`);
  const name = object.target.service === undefined ? "DEL_HOST_DOWNTIME" : "DEL_SVC_DOWNTIME";
  return {
    steps: ids.map((each) => ({ command: `${name};${each}` })),
    shown: async () => {
      const left = new Set(await object.downtimes());
      return ids.every((each) => !left.has(each));
    },
  };
}
