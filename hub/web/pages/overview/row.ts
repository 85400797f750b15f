/**
 * One site's row. A template and not JSX: a thousand of them are the page, and take a third of the time so. The browser's
 * script changes cells in place: `client/sites/patch.ts` knows their form.
 */

import { html } from "hono/html";
import { type Cell, keyOf, moment, SITE_CELLS, type SiteRow } from "../../view/index.ts";
import { sitePath } from "../frame/index.ts";
import { spark } from "../parts/index.ts";

export function siteRowHtml(row: SiteRow, now: number, hidden: boolean) {
  const { tenant, site, state, outdated, never } = row;
  const is = html`${hidden ? html` hidden` : ""}${outdated ? html` data-outdated` : ""}${never ? html` data-never` : ""}`;
  const value = (column: keyof typeof SITE_CELLS) => cellHtml(column, SITE_CELLS[column](row, now));
  return html`<tr role="row" data-key="${keyOf(row)}" data-state="${state}"${is}>${value("state")}<th role="rowheader" scope="row" class="c-site"><a href="${sitePath(tenant, site)}"><span class="of">${tenant}/</span>${site}</a></th>${value("since")}${value("why")}${value("rtt")}${value("traffic")}${value("queue")}${value("agent")}${value("carrier")}</tr>`;
}

function cellHtml(column: string, { text, order, tone, title, mark, points, at }: Cell) {
  const value =
    at !== undefined
      ? html`<time datetime="${at}" title="${moment(at)}" data-since>${text}</time>`
      : column === "state"
        ? html`<span class="badge ${tone}">${text}</span>`
        : tone === undefined
          ? html`<span>${text}</span>`
          : html`<span class="${tone}">${text}</span>`;
  return html`<td role="cell" class="c-${column}"${order === undefined ? "" : html` data-order="${order}"`}${title === undefined ? "" : html` title="${title}"`}>${value}${points === undefined ? "" : spark(points)}${mark === undefined ? "" : html`<b class="mark">${mark}</b>`}</td>`;
}
