/** @jsxImportSource hono/jsx */
/** The problems of all cores: what is wrong, since when, who knows, and what can be done about it. */

import type { Problem, ProblemPage } from "../../../problems/index.ts";
import { STATES } from "../../../problems/index.ts";
import { count, problemTone } from "../../view/index.ts";
import { type Frame, sitePath } from "../frame/index.ts";
import { Badge, Form, Layout, Pager, Since } from "../parts/index.ts";
import { Actions } from "./actions.tsx";
import { PAGE, type ProblemChoice, problemPath } from "./choice.ts";
import type { Given } from "./give.ts";
import { markOf } from "./order.ts";
import { Cut, Missing, Outcome } from "./remarks.tsx";

export interface ProblemsView {
  page: ProblemPage;
  choice: ProblemChoice;
  tenants: readonly string[];
  /** ms since the epoch. */
  now: number;
  /** What has just been done. */
  given?: readonly Given[];
  /** Why it was not. */
  wrong?: string;
}

export function Problems({ frame, view }: { frame: Frame; view: ProblemsView }) {
  const { page, choice, tenants, now, given, wrong } = view;
  const may = frame.viewer?.has("command") ?? false;
  return (
    <Layout
      frame={frame}
      title="Problems"
      at="/problems"
      live={new URLSearchParams({ problems: "yes" })}
      source={problemPath(choice, { from: choice.from })}
    >
      <h1 class="unseen">Problems</h1>
      <Outcome given={given} wrong={wrong} />
      <div id="problem-states" data-region="">
        <States page={page} choice={choice} />
      </div>
      <Tools choice={choice} tenants={tenants} />
      <div id="problem-remarks" data-region="">
        <Missing missing={page.missing} now={now} />
        <Cut cut={page.cut} />
      </div>
      <Form
        frame={frame}
        action={problemPath(choice, { from: choice.from })}
        label="What to do about problems"
      >
        <div id="problem-list" data-region="">
          {page.problems.length === 0 ? (
            <div class="empty block">
              <p>
                {page.total === 0 && choice.handled === "no"
                  ? "No unhandled problems."
                  : "No problems like that."}
              </p>
            </div>
          ) : (
            <List page={page} choice={choice} now={now} may={may} />
          )}
          <Pager
            offset={choice.from}
            limit={PAGE}
            total={page.total}
            href={(from) => problemPath(choice, { from })}
          />
        </div>
        {may && <Actions />}
      </Form>
    </Layout>
  );
}

function States({ page, choice }: { page: ProblemPage; choice: ProblemChoice }) {
  const all = STATES.reduce((sum, state) => sum + page.counts[state], 0);
  return (
    <nav class="shows" aria-label="Show problems">
      <a
        class="show"
        href={problemPath(choice, { state: "" })}
        aria-current={choice.state === "" ? "true" : undefined}
      >
        <b>{count(all)}</b> All
      </a>
      {STATES.map((state) => (
        <a
          class={`show tone-${problemTone(state)}`}
          href={problemPath(choice, { state })}
          aria-current={choice.state === state ? "true" : undefined}
        >
          <b>{count(page.counts[state])}</b> {state.toUpperCase()}
        </a>
      ))}
    </nav>
  );
}

function Tools({ choice, tenants }: { choice: ProblemChoice; tenants: readonly string[] }) {
  const options = (of: readonly (readonly [string, string])[], value: string) =>
    of.map(([each, title]) => (
      <option value={each} selected={each === value}>
        {title}
      </option>
    ));
  return (
    <search aria-label="Problems">
      <form method="get" action="/problems" class="tools" data-at-once="">
        <input type="hidden" name="state" value={choice.state} />
        <input type="hidden" name="sort" value={choice.sort} />
        <input type="hidden" name="dir" value={choice.dir} />
        {choice.site !== "" && <input type="hidden" name="site" value={choice.site} />}
        <label class="unseen" for="search">
          Search problems
        </label>
        <input
          id="search"
          type="search"
          name="q"
          value={choice.q}
          placeholder="Search: site, host, service, output"
          maxlength={200}
          autocomplete="off"
        />
        {tenants.length > 1 && (
          <>
            <label class="unseen" for="tenant">
              Tenant
            </label>
            <select id="tenant" name="tenant">
              {options([["", "All tenants"], ...tenants.map((name) => [name, name] as const)], choice.tenant)}
            </select>
          </>
        )}
        <label class="unseen" for="kind">
          Kind
        </label>
        <select id="kind" name="kind">
          {options(
            [
              ["", "Hosts and services"],
              ["host", "Hosts"],
              ["service", "Services"],
            ],
            choice.kind,
          )}
        </select>
        <label class="unseen" for="handled">
          Handled
        </label>
        <select id="handled" name="handled">
          {options(
            [
              ["no", "Unhandled"],
              ["yes", "Handled"],
              ["all", "Handled or not"],
            ],
            choice.handled,
          )}
        </select>
        <button>Search</button>
        {choice.site !== "" && (
          <a href={problemPath(choice, { site: "" })}>Site {choice.site}: show all sites</a>
        )}
      </form>
    </search>
  );
}

const TITLES = [
  ["severity", "State"],
  ["since", "Since"],
  ["site", "Site"],
  ["host", "Host"],
  ["service", "Service"],
] as const;

function List({
  page,
  choice,
  now,
  may,
}: {
  page: ProblemPage;
  choice: ProblemChoice;
  now: number;
  may: boolean;
}) {
  return (
    <table class="problems blocks" aria-label="Problems">
      <thead>
        <tr>
          {may && (
            <th scope="col">
              <span class="unseen">Mark</span>
            </th>
          )}
          {TITLES.map(([sort, title]) => {
            const sorted = sort === choice.sort;
            const dir = sorted && choice.dir === "up" ? "down" : "up";
            return (
              <th
                scope="col"
                aria-sort={sorted ? (choice.dir === "up" ? "ascending" : "descending") : undefined}
              >
                <a href={problemPath(choice, { sort, dir })}>{title}</a>
              </th>
            );
          })}
          <th scope="col">Output</th>
        </tr>
      </thead>
      <tbody>
        {page.problems.map((problem) => (
          <Row problem={problem} now={now} may={may} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ problem, now, may }: { problem: Problem; now: number; may: boolean }) {
  const { id, tenant, site, host, service, state, output, handled } = problem;
  const what = service === undefined ? host : `${host}, ${service}`;
  return (
    <tr data-key={id} class={handled ? "handled" : undefined}>
      {may && (
        <td class="pick">
          <input
            type="checkbox"
            name="problem"
            value={markOf(problem)}
            aria-label={`Mark ${what}`}
            disabled={!problem.commandable}
          />
        </td>
      )}
      <td class="keep">
        <Badge tone={problemTone(state)} text={state.toUpperCase()} />
      </td>
      <td>{problem.since > 0 && <Since at={new Date(problem.since).toISOString()} now={now} />}</td>
      <td class="c-site">
        <a href={sitePath(tenant, site)}>
          <span class="soft">{tenant}/</span>
          {site}
        </a>
      </td>
      <th scope="row">{host}</th>
      <td>{service ?? ""}</td>
      <td class="output">
        {output} <Marks problem={problem} />
      </td>
    </tr>
  );
}

/** What else is to be known of it, as short as it goes. */
function Marks({ problem }: { problem: Problem }) {
  const { acknowledged, downtime, ofHost, service, hard, attempt, attempts, flapping } = problem;
  const ofService = service !== undefined;
  const marks = [
    acknowledged && "acknowledged",
    downtime && "in downtime",
    ofService && ofHost.state !== "up" && `host ${ofHost.state}`,
    ofService && ofHost.downtime && "host in downtime",
    !hard && `soft ${attempt}/${attempts}`,
    flapping && "flapping",
    problem.checksDisabled && "not checked",
    problem.notificationsDisabled && "notifications off",
  ].filter((mark) => mark !== false);
  return (
    <>
      {marks.map((mark) => (
        <>
          <b class="mark">{mark}</b>{" "}
        </>
      ))}
    </>
  );
}
