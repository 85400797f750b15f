/** @jsxImportSource hono/jsx */
/** Why something that was asked for was not done. */
import type { Wrong } from "../frame/index.ts";
import { Notice } from "./notice.tsx";

export function WrongNotice({ wrong }: { wrong: Wrong | undefined }) {
  if (!wrong) return null;
  return (
    <Notice kind="wrong">
      <p>{wrong.message}</p>
      {wrong.hint !== undefined && <p>{wrong.hint}</p>}
    </Notice>
  );
}
