/** @jsxImportSource hono/jsx */
/** A state in Checkmk's word and colour. */
import type { Tone } from "../../view/index.ts";

export function Badge({ tone, text }: { tone: Tone; text: string }) {
  return <span class={`badge ${tone}`}>{text}</span>;
}
