/** @jsxImportSource hono/jsx */
/** Steps through what does not fit on one page. */
import { count } from "../../view/index.ts";

interface PagerProps {
  offset: number;
  limit: number;
  total: number;
  /** Where the part that begins at an offset is. */
  href: (offset: number) => string;
}

export function Pager({ offset, limit, total, href }: PagerProps) {
  if (total <= limit && offset === 0) return null;
  const last = Math.min(total, offset + limit);
  return (
    <nav class="pager" aria-label="Parts of the list">
      {offset > 0 && (
        <a rel="prev" href={href(Math.max(0, offset - limit))}>
          Previous
        </a>
      )}
      <span>
        {count(Math.min(offset + 1, total))} to {count(last)} of {count(total)}
      </span>
      {last < total && (
        <a rel="next" href={href(last)}>
          Next
        </a>
      )}
    </nav>
  );
}
