/** The forms of an answer. Each is written row by row; what it says at its end fits behind any number of rows. */

import { csv, quotedCsv } from "./csv.ts";
import { json } from "./json.ts";
import { python } from "./python.ts";
import type { FormatName, Separators } from "./query.ts";
import type { Row } from "./value.ts";

/** What is known when all rows are out. */
export interface Summary {
  /** Why a site's rows are missing, by its key. */
  failed: ReadonlyMap<string, string>;
  /** Rows before Offset and Limit. */
  total: number;
  /** Rows that sites sent. */
  scanned: number;
}

export interface Format {
  /** @param header names of the columns, if they are to be told */
  begin(header: Row | undefined): string;
  row(row: Row): string;
  end(summary: Summary): string;
}

export function formatOf(name: FormatName, separators: Separators): Format {
  switch (name) {
    case "csv":
      return new Lines((row) => csv(row, separators));
    case "CSV":
      return new Lines(quotedCsv);
    case "json":
      return new List(json);
    case "python":
      return new List((row) => python(row, "u"));
    case "python3":
      return new List((row) => python(row, ""));
    case "wrapped_json":
      return new Wrapped();
  }
}

class Lines implements Format {
  constructor(private readonly line: (row: Row) => string) {}

  begin(header: Row | undefined): string {
    return header ? this.line(header) : "";
  }

  row(row: Row): string {
    return this.line(row);
  }

  end(): string {
    return "";
  }
}

class List implements Format {
  #first = true;

  constructor(private readonly element: (row: Row) => string) {}

  begin(header: Row | undefined): string {
    return header ? `[${this.row(header)}` : "[";
  }

  row(row: Row): string {
    const separator = this.#first ? "" : ",\n";
    this.#first = false;
    return separator + this.element(row);
  }

  end(): string {
    return "]\n";
  }
}

/** As LMD: the rows are `data`, and beside them stands what was missing and how many there were. */
class Wrapped implements Format {
  #first = true;
  #header: Row | undefined;

  begin(header: Row | undefined): string {
    this.#header = header;
    return '{"data":\n[';
  }

  row(row: Row): string {
    const separator = this.#first ? "" : ",\n";
    this.#first = false;
    return separator + json(row);
  }

  end({ failed, total, scanned }: Summary): string {
    const columns = this.#header ? `\n,"columns":${json(this.#header)}` : "";
    const missing = json(Object.fromEntries(failed));
    return `]\n,"failed":${missing}${columns}\n,"rows_scanned":${scanned}\n,"total_count":${total}}\n`;
  }
}
