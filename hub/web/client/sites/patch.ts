/** Changes a row of the overview in place: only what is different, as each change makes the browser lay it out anew. */
import { type Cell, SITE_CELLS, SITE_COLUMNS, type SiteRow } from "../../view/index.ts";

/** Says whether what the row is chosen or sorted by may be different: its state and its remarks. */
export function patchRow(element: HTMLElement, row: SiteRow, now: number): boolean {
  let turned = false;
  for (const [name, value] of [
    ["state", row.state],
    ["outdated", row.outdated ? "" : undefined],
    ["never", row.never ? "" : undefined],
  ] as const) {
    if (element.dataset[name] === value) continue;
    turned = true;
    if (value === undefined) delete element.dataset[name];
    else element.dataset[name] = value;
  }
  SITE_COLUMNS.forEach((column, index) => {
    const cell = element.children[index];
    if (column !== "site" && cell instanceof HTMLElement)
      patchCell(cell, SITE_CELLS[column](row, now), column === "state");
  });
  return turned;
}

function patchCell(element: HTMLElement, cell: Cell, badge: boolean): void {
  const { text, order, tone = "", title, mark: remark, points, at } = cell;
  const value = element.firstElementChild as HTMLElement;
  setText(value, text);
  if (value instanceof HTMLTimeElement) {
    if (at !== undefined && value.dateTime !== at) value.dateTime = at;
  } else {
    const classes = badge ? `badge ${tone}` : tone;
    if (value.className !== classes) value.className = classes;
  }
  if (order !== undefined && element.dataset.order !== String(order)) element.dataset.order = String(order);
  if ((title ?? "") !== element.title) element.title = title ?? "";
  if (points !== undefined) {
    const line = element.querySelector("polyline");
    if (line && line.getAttribute("points") !== points) line.setAttribute("points", points);
  }
  const present = element.querySelector<HTMLElement>(".mark");
  if (present) setText(present, remark ?? "");
  else if (remark !== undefined) {
    const made = document.createElement("b");
    made.className = "mark";
    made.textContent = remark;
    element.append(made);
  }
}

function setText(element: HTMLElement, text: string): void {
  const node = element.firstChild;
  if (node === null) {
    if (text !== "") element.textContent = text;
  } else if (node.nodeValue !== text) node.nodeValue = text;
}

/** Draws the eye to a row for a moment. */
export function markRow(element: HTMLElement): void {
  element.classList.add("changed");
  setTimeout(() => element.classList.remove("changed"), MARKED);
}

/** ms for which a row is marked. */
const MARKED = 1_500;
