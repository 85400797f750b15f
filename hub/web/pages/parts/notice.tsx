/** @jsxImportSource hono/jsx */
/** What has just happened, above the page that it happened on. */
import type { Child } from "hono/jsx";

export function Notice({ kind, children }: { kind: "done" | "wrong" | "remark"; children?: Child }) {
  return (
    <div class={`notice ${kind}`} role={kind === "wrong" ? "alert" : "status"}>
      {children}
    </div>
  );
}
