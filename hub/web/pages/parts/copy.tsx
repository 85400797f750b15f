/** @jsxImportSource hono/jsx */
/** Text that is meant to be taken along, with a button that does it. Without script the text is there to be marked. */

export function Copy({ text, label }: { text: string; label: string }) {
  return (
    <span class="copy">
      <code>{text}</code>
      <button type="button" class="small with-script" data-copy={text} aria-label={`Copy ${label}`}>
        Copy
      </button>
    </span>
  );
}
