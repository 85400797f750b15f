/** @jsxImportSource hono/jsx */
/** What stands above the problems: what was done, and what is not in the list. */

import type { CutSite, MissingSite } from "../../../problems/index.ts";
import { count } from "../../view/index.ts";
import { sitePath } from "../frame/index.ts";
import { Notice, Since } from "../parts/index.ts";
import type { Given } from "./give.ts";

const TEXTS = {
  done: "done",
  sent: "sent, and no effect seen yet",
  refused: "refused",
} as const;

export function Outcome({
  given = [],
  wrong,
}: {
  given?: readonly Given[] | undefined;
  wrong?: string | undefined;
}) {
  if (wrong !== undefined) {
    return (
      <Notice kind="wrong">
        <p>{wrong}</p>
      </Notice>
    );
  }
  if (given.length === 0) return null;
  const open = given.filter(({ result }) => result.outcome !== "done");
  const refused = given.some(({ result }) => result.outcome === "refused");
  return (
    <Notice kind={refused ? "wrong" : open.length > 0 ? "remark" : "done"}>
      <p>
        {count(given.length - open.length)} of {count(given.length)} done.
      </p>
      {open.length > 0 && (
        <ul>
          {open.map(({ target: { tenant, site, host, service }, result }) => (
            <li>
              {tenant}/{site} {host}
              {service !== undefined && `, ${service}`}: {TEXTS[result.outcome]}
              {result.outcome !== "done" && `: ${result.reason}`}
            </li>
          ))}
        </ul>
      )}
    </Notice>
  );
}

export function Missing({ missing, now }: { missing: readonly MissingSite[]; now: number }) {
  if (missing.length === 0) return null;
  const shown = missing.filter((site) => site.shown).length;
  return (
    <Notice kind="remark">
      <details class="more">
        <summary>
          {missing.length === 1 ? "1 site does" : `${count(missing.length)} sites do`} not say how{" "}
          {missing.length === 1 ? "its" : "their"} hosts and services are
          {shown > 0 && `; what ${shown === 1 ? "one" : shown} said before is shown`}
        </summary>
        <ul>
          {missing.map(({ tenant, site, reason, since }) => (
            <li>
              <a href={sitePath(tenant, site)}>
                {tenant}/{site}
              </a>
              : {reason} (<Since at={new Date(since).toISOString()} now={now} />)
            </li>
          ))}
        </ul>
      </details>
    </Notice>
  );
}

export function Cut({ cut }: { cut: readonly CutSite[] }) {
  if (cut.length === 0) return null;
  return (
    <Notice kind="remark">
      <p>
        Too many to show:{" "}
        {cut.map(({ tenant, site, more }) => `${tenant}/${site} has ${count(more)} more problems`).join("; ")}
        .
      </p>
    </Notice>
  );
}
