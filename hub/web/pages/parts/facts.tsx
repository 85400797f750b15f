/** @jsxImportSource hono/jsx */
/** What is known of a thing, as name and value. What is undefined is left out. */
import type { Child } from "hono/jsx";

export type Fact = readonly [name: string, value: Child | undefined];

export function Facts({ facts }: { facts: readonly Fact[] }) {
  return (
    <dl class="facts">
      {facts
        .filter(([, value]) => value !== undefined)
        .map(([name, value]) => (
          <div>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}
