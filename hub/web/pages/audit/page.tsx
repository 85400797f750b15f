/** @jsxImportSource hono/jsx */
/** Who did what, from where, and what came of it. */

import type { AuditRecord } from "../../../registry/index.ts";
import { type Frame, sitePath } from "../frame/index.ts";
import { Layout, Moment } from "../parts/index.ts";
import { type AuditChoice, auditPath, PERIODS } from "./choice.ts";

export interface AuditView {
  /** The newest first. */
  records: readonly AuditRecord[];
  choice: AuditChoice;
  tenants: readonly string[];
}

export function Audit({ frame, view: { records, choice, tenants } }: { frame: Frame; view: AuditView }) {
  return (
    <Layout frame={frame} title="Audit" at="/audit">
      <h1 class="unseen">Audit</h1>
      <search aria-label="Records">
        <form method="get" action="/audit" class="tools" data-at-once="">
          <label class="unseen" for="tenant">
            Tenant
          </label>
          <select id="tenant" name="tenant">
            <option value="">All tenants</option>
            {tenants.map((name) => (
              <option value={name} selected={name === choice.tenant}>
                {name}
              </option>
            ))}
          </select>
          <label class="unseen" for="site">
            Site
          </label>
          <input
            id="site"
            type="text"
            name="site"
            value={choice.site}
            placeholder="Site"
            maxlength={200}
            autocomplete="off"
          />
          <label class="unseen" for="action">
            Action begins with
          </label>
          <input
            id="action"
            type="text"
            name="action"
            value={choice.action}
            placeholder="Action, such as site."
            maxlength={100}
            autocomplete="off"
          />
          <label class="unseen" for="period">
            Period
          </label>
          <select id="period" name="period">
            {Object.entries(PERIODS).map(([value, { title }]) => (
              <option value={value} selected={value === choice.period}>
                {title}
              </option>
            ))}
          </select>
          <button>Search</button>
        </form>
      </search>
      {records.length === 0 ? (
        <div class="empty block">
          <p>No records like that.</p>
        </div>
      ) : (
        <div class="block">
          <Records records={records} />
        </div>
      )}
      {records.length >= choice.limit && (
        <nav class="pager" aria-label="More">
          <span>The newest {choice.limit}.</span>
          <a href={auditPath(choice, { limit: Math.min(5_000, choice.limit * 5) })}>Show more</a>
        </nav>
      )}
    </Layout>
  );
}

/** @param brief without what it was about: they are all about the same */
export function Records({ records, brief }: { records: readonly AuditRecord[]; brief?: boolean }) {
  if (records.length === 0) return <p class="soft">Nothing.</p>;
  return (
    <table class="blocks">
      <thead>
        <tr>
          <th scope="col">When</th>
          <th scope="col">Who</th>
          <th scope="col">From</th>
          <th scope="col">What</th>
          {!brief && <th scope="col">About</th>}
          <th scope="col">Detail</th>
        </tr>
      </thead>
      <tbody>
        {records.map(({ time, who, from, action, tenant, site, detail }) => (
          <tr>
            <td>
              <Moment at={time} />
            </td>
            <td>{who}</td>
            <td class="soft">{from}</td>
            <th scope="row">{action}</th>
            {!brief && (
              <td>
                {tenant !== "" && site !== "" ? (
                  <a href={sitePath(tenant, site)}>{`${tenant}/${site}`}</a>
                ) : (
                  tenant
                )}
              </td>
            )}
            <td>{detail}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
