/** A spark line; what it shows stands beside it as text. */
import { html } from "hono/html";
import { SPARK_HEIGHT, SPARK_STEPS } from "../../view/index.ts";

const VIEW = `0 0 ${SPARK_STEPS - 1} ${SPARK_HEIGHT}`;

export function spark(points: string) {
  return html`<svg class="spark" viewBox="${VIEW}" preserveAspectRatio="none" aria-hidden="true"><polyline points="${points}"/></svg>`;
}
