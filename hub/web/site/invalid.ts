/** A request whose parts are not as they must be: all that is wrong with it, at once. */

import { FarsiteError } from "../../../common/errors.ts";

export interface Wrong {
  /** Which part of the request. */
  in: "path" | "query" | "body";
  /** Dotted; empty where it is the part as a whole. */
  field: string;
  detail: string;
}

export class InvalidRequest extends FarsiteError {
  constructor(readonly errors: readonly Wrong[]) {
    super(
      "E_REQUEST",
      errors.length === 1 ? `the request is malformed: ${said(errors[0])}` : "the request is malformed",
      "See errors for each field, and the API's description for what it takes.",
    );
  }
}

function said(wrong: Wrong | undefined): string {
  if (!wrong) return "";
  return wrong.field === "" ? wrong.detail : `${wrong.field}: ${wrong.detail}`;
}
