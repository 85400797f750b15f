/** @jsxImportSource hono/jsx */
/** Forms: each that changes something carries the session's token. */

import type { Child } from "hono/jsx";
import type { Frame } from "../frame/index.ts";

interface FormProps {
  frame: Frame;
  action: string;
  class?: string;
  /** What it does, for those who do not see where it stands. */
  label?: string;
  children?: Child;
}

export function Form({ frame, action, children, label, ...rest }: FormProps) {
  return (
    <form method="post" action={action} aria-label={label} {...rest}>
      <input type="hidden" name="csrf" value={frame.csrf} />
      {children}
    </form>
  );
}

interface FieldProps {
  label: string;
  name: string;
  type?: string;
  value?: string | undefined;
  hint?: string;
  required?: boolean;
  autocomplete?: string;
  maxlength?: number;
  pattern?: string;
  placeholder?: string;
  list?: string;
  /** Unique within the page, where the name is not. */
  id?: string;
  autofocus?: boolean;
}

export function Field({ label, hint, id, ...input }: FieldProps) {
  const own = id ?? `field-${input.name}`;
  return (
    <div class="field">
      <label for={own}>{label}</label>
      <input id={own} type="text" aria-describedby={hint && `${own}-hint`} {...input} />
      {hint && (
        <p class="hint" id={`${own}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}

interface SelectProps {
  label: string;
  name: string;
  options: readonly (readonly [value: string, title: string])[];
  value?: string | undefined;
  id?: string;
}

export function Select({ label, name, options, value, id = `field-${name}` }: SelectProps) {
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select id={id} name={name}>
        {options.map(([each, title]) => (
          <option value={each} selected={each === value}>
            {title}
          </option>
        ))}
      </select>
    </div>
  );
}

interface CheckProps {
  label: string;
  name: string;
  value?: string;
  checked?: boolean;
}

export function Check({ label, ...input }: CheckProps) {
  return (
    <label class="check">
      <input type="checkbox" value="yes" {...input} />
      <span>{label}</span>
    </label>
  );
}
