/** @jsxImportSource hono/jsx */
/** Moments: how long ago, with the moment itself for the pointer. The browser's script keeps them current. */
import { moment, since } from "../../view/index.ts";

/** @param at ISO 8601 */
export function Since({ at, now }: { at: string; now: number }) {
  return (
    <time datetime={at} title={moment(at)} data-since="">
      {since(at, now)}
    </time>
  );
}

/** @param at ISO 8601 */
export function Moment({ at }: { at: string }) {
  return <time datetime={at}>{moment(at)}</time>;
}
