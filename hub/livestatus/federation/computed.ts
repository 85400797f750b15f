/**
 * Columns that LMD makes of another one in the same row, and that its clients ask for. Here the hub does: a
 * site is asked for the column they are made of, and conditions on them become conditions on that one.
 */

import { combined, condition, type Expression } from "./expression.ts";
import { matches } from "./operator.ts";
import type { Peer } from "./peer.ts";
import type { Value } from "./value.ts";

export interface Computed {
  /** The core's column that it is made of. */
  base: string;
  of(value: Value, peer: Peer): Value;
  /** What `COLUMN OPERATOR OPERAND` says of the core's column. @throws Refusal it means nothing */
  condition(operator: string, operand: string, peer: Peer): Expression;
}

type Maker = (prefix: string) => Computed;

/** Of a service. A critical one counts as 4, so that it stands before an unknown one. */
const order = (state: Value) => (state === 2 ? 4 : state);
const STATES = [0, 1, 2, 3];

const MAKERS: Readonly<Record<string, Maker>> = {
  state_order: (prefix) => {
    const base = `${prefix}state`;
    return {
      base,
      of: order,
      condition: (operator, operand) =>
        anyOf(
          STATES.filter((state) => matches(order(state), operator, operand)).map(
            (state) => `${base} = ${state}`,
          ),
        ),
    };
  },
  // of what was never checked, the start of its core
  last_state_change_order: (prefix) => {
    const base = `${prefix}last_state_change`;
    const started = (peer: Peer) => peer.state().started ?? 0;
    return {
      base,
      of: (value, peer) => (value === 0 ? started(peer) : value),
      condition: (operator, operand, peer) => {
        const changed = condition(`${base} ${operator} ${operand}`);
        return matches(started(peer), operator, operand)
          ? combined("or", [condition(`${base} = 0`), changed])
          : combined("and", [condition(`${base} != 0`), changed]);
      },
    };
  },
  has_long_plugin_output: (prefix) => {
    const base = `${prefix}long_plugin_output`;
    return {
      base,
      of: (value) => Number(value !== null && value !== ""),
      condition: (operator, operand) =>
        anyOf([
          ...(matches(0, operator, operand) ? [`${base} =`] : []),
          ...(matches(1, operator, operand) ? [`${base} !=`] : []),
        ]),
    };
  },
};

/** As LMD has them: in tables of services those of the host as well, in comments and downtimes those of both. */
const NAME = /^(host_|service_|)(.+)$/;

/** How a column is computed; undefined: it is not. */
export function computedColumn(column: string): Computed | undefined {
  const [, prefix = "", name = ""] = NAME.exec(column) ?? [];
  return Object.hasOwn(MAKERS, name) ? MAKERS[name]?.(prefix) : undefined;
}

function anyOf(conditions: readonly string[]): Expression {
  const [first, ...others] = conditions.map(condition);
  return first && others.length === 0 ? first : combined("or", first ? [first, ...others] : []);
}
