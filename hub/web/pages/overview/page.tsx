/** @jsxImportSource hono/jsx */
/** The overview: every site that the reader may see, with what is to be known of it at a glance. */

import {
  count,
  isShown,
  SHOW_TITLES,
  SHOWS,
  SITE_COLUMNS,
  SITE_TITLES,
  type SiteColumn,
  type SiteRow,
} from "../../view/index.ts";
import type { Frame } from "../frame/index.ts";
import { Layout } from "../parts/index.ts";
import { type OverviewChoice, overviewPath } from "./choice.ts";
import { type Group, groupsOf, isChosen } from "./order.ts";
import { siteRowHtml } from "./row.ts";

export interface OverviewView {
  rows: readonly SiteRow[];
  choice: OverviewChoice;
  /** ms since the epoch. */
  now: number;
  /** The last event that is in it. */
  cursor: string;
}

export function Overview({ frame, view }: { frame: Frame; view: OverviewView }) {
  const { rows, choice, now, cursor } = view;
  const tenants = [...new Set(rows.map(({ tenant }) => tenant))].sort();
  const groups = groupsOf(rows, choice, now);
  const chosen = rows.filter((row) => isChosen(row, choice)).length;
  return (
    <Layout
      frame={frame}
      title="Overview"
      at="/"
      live={new URLSearchParams({ after: cursor, problems: "yes" })}
    >
      <h1 class="unseen">Overview</h1>
      <div id="overview" data-region="" data-group={choice.group}>
        <Shows rows={rows} choice={choice} />
        <Tools choice={choice} tenants={tenants} chosen={chosen} total={rows.length} />
        {rows.length === 0 ? (
          <Nothing frame={frame} />
        ) : (
          <table role="table" class="sites" aria-label="Sites">
            <thead role="rowgroup">
              <tr role="row">
                {SITE_COLUMNS.map((column) => (
                  <Title column={column} choice={choice} />
                ))}
              </tr>
            </thead>
            {groups.map((group) => (
              <Rows group={group} choice={choice} now={now} />
            ))}
          </table>
        )}
      </div>
    </Layout>
  );
}

/** How many there are of each kind; each is a choice. */
function Shows({ rows, choice }: { rows: readonly SiteRow[]; choice: OverviewChoice }) {
  const among = rows.filter(({ tenant }) => choice.tenant === "" || tenant === choice.tenant);
  return (
    <nav class="shows" aria-label="Show sites">
      {SHOWS.map((show) => {
        const number = among.filter((row) => isShown(show, row)).length;
        return (
          <a
            href={overviewPath(choice, { show })}
            class={`show ${show}`}
            data-show={show}
            aria-current={show === choice.show ? "true" : undefined}
            hidden={number === 0 && show !== "all" && show !== choice.show && show !== "trouble"}
          >
            <b>{count(number)}</b> {SHOW_TITLES[show]}
          </a>
        );
      })}
    </nav>
  );
}

interface ToolsProps {
  choice: OverviewChoice;
  tenants: readonly string[];
  chosen: number;
  total: number;
}

function Tools({ choice, tenants, chosen, total }: ToolsProps) {
  const { q, tenant, show, sort, dir, group } = choice;
  return (
    <form method="get" action="/" class="tools" role="search" aria-label="Sites">
      <input type="hidden" name="show" value={show} />
      <input type="hidden" name="sort" value={sort} />
      <input type="hidden" name="dir" value={dir} />
      <label class="unseen" for="search">
        Search sites
      </label>
      <input
        id="search"
        type="search"
        name="q"
        value={q}
        placeholder="Search: name, reason, version"
        maxlength={200}
        autocomplete="off"
      />
      {tenants.length > 1 && (
        <>
          <label class="unseen" for="tenant">
            Tenant
          </label>
          <select id="tenant" name="tenant">
            <option value="">All tenants</option>
            {tenants.map((name) => (
              <option value={name} selected={name === tenant}>
                {name}
              </option>
            ))}
          </select>
          <label class="unseen" for="group">
            Group
          </label>
          <select id="group" name="group">
            <option value="tenant" selected={group === "tenant"}>
              By tenant
            </option>
            <option value="none" selected={group === "none"}>
              In one list
            </option>
          </select>
        </>
      )}
      <button class="without-script">Apply</button>
      <output class="number" id="chosen">
        {chosen === total ? "" : `${count(chosen)} of ${count(total)} shown`}
      </output>
    </form>
  );
}

function Title({ column, choice }: { column: SiteColumn; choice: OverviewChoice }) {
  const sorted = column === choice.sort;
  const dir = sorted && choice.dir === "up" ? "down" : "up";
  return (
    <th
      role="columnheader"
      scope="col"
      class={`c-${column}`}
      aria-sort={sorted ? (choice.dir === "up" ? "ascending" : "descending") : undefined}
    >
      <a href={overviewPath(choice, { sort: column, dir })} data-sort={column}>
        {SITE_TITLES[column]}
      </a>
    </th>
  );
}

function Rows({
  group: { tenant, rows },
  choice,
  now,
}: {
  group: Group;
  choice: OverviewChoice;
  now: number;
}) {
  const hidden = rows.map((row) => !isChosen(row, choice));
  return (
    <tbody role="rowgroup" data-tenant={tenant} hidden={hidden.every(Boolean)}>
      {tenant !== undefined && (
        <tr role="row" class="group">
          <th role="rowheader" scope="rowgroup">
            {tenant} <span class="number">{count(rows.length)}</span>
          </th>
        </tr>
      )}
      {rows.map((row, index) => siteRowHtml(row, now, hidden[index] ?? false))}
    </tbody>
  );
}

function Nothing({ frame }: { frame: Frame }) {
  return (
    <div class="empty">
      <p>There are no sites yet.</p>
      {frame.viewer?.has("registry") && (
        <p>
          <a class="button" href="/add">
            Add a site
          </a>
        </p>
      )}
    </div>
  );
}
