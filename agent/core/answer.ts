/** The one question that the agent asks its core, and the answer to it. */

import { type CoreInfo, MAX_RELEASE } from "../../common/core.ts";
import { parseJson } from "../../common/json.ts";
import { printable } from "../../common/text.ts";

/** Bytes of a fixed16 header: code, space, length in 11 columns, newline. */
const HEADER = 16;
/** Its first bytes: digits. */
const CODE = 3;
/**
 * Longest answer that is read, in bytes. The true one has about a hundred; Icinga 2 explains an unknown column
 * in 3,000.
 */
export const MAX_ANSWER = 65_536;

const LEAST = ["program_start"] as const;
const REST = ["livestatus_version", "program_version", "num_hosts", "num_services"] as const;

/**
 * What is asked for, best first. Checkmk's cores have core_pid; Icinga 2, Nagios and Naemon have nagios_pid and
 * refuse what they do not know.
 */
export const COLUMNS = [
  [...LEAST, "core_pid", ...REST],
  [...LEAST, "nagios_pid", ...REST],
  [...LEAST],
] as const;

export type Columns = (typeof COLUMNS)[number];

/** Without KeepAlive: the core closes after its answer, and the connection is free for others. */
export function question(columns: Columns): string {
  return (
    `GET status\nColumns: ${columns.join(" ")}\nColumnHeaders: off\n` +
    "OutputFormat: json\nResponseHeader: fixed16\n\n"
  );
}

export type Answer =
  | { kind: "core"; core: CoreInfo }
  /** The core speaks Livestatus but does not know a column; another set may do. */
  | { kind: "refused"; code: number }
  | { kind: "invalid"; reason: string };

const NO_LIVESTATUS: Answer = { kind: "invalid", reason: "the answer is not Livestatus" };

/** Codes for an unknown column: 400 Checkmk, 450 Naemon, 452 Icinga 2; 404 has no table `status` at all. */
const UNKNOWN_COLUMN = new Set([400, 450, 452]);

/** Reads what has come so far; undefined while more must come. */
export function parseAnswer(bytes: Buffer, columns: Columns): Answer | undefined {
  // what greets with other words and then waits would seem to hang
  if (/\D/.test(bytes.toString("latin1", 0, CODE))) return NO_LIVESTATUS;
  if (bytes.length < HEADER) return undefined;
  const header = /^(\d{3}) ( *\d+)\n$/.exec(bytes.toString("latin1", 0, HEADER));
  if (!header) return NO_LIVESTATUS;
  const [code, length] = [Number(header[1]), Number(header[2])];
  if (length > MAX_ANSWER) return { kind: "invalid", reason: `an answer of ${length} bytes is too long` };
  if (code !== 200) {
    return UNKNOWN_COLUMN.has(code)
      ? { kind: "refused", code }
      : { kind: "invalid", reason: `the core answers with code ${code}` };
  }
  if (bytes.length < HEADER + length) return undefined;
  const core = parseRow(bytes.toString("utf8", HEADER, HEADER + length), columns);
  return core ? { kind: "core", core } : { kind: "invalid", reason: "the answer is not one row of status" };
}

/** The table has exactly one row. Checkmk gives null for a column that it does not know. */
function parseRow(body: string, columns: Columns): CoreInfo | undefined {
  const rows = parseJson(body);
  const row: unknown = Array.isArray(rows) && rows.length === 1 ? rows[0] : undefined;
  if (!Array.isArray(row) || row.length !== columns.length) return undefined;
  const value = (...names: string[]): unknown => row[columns.findIndex((column) => names.includes(column))];
  const started = value("program_start");
  if (typeof started !== "number" || !(started >= 0 && started <= Number.MAX_SAFE_INTEGER)) return undefined;
  const [pid, hosts, services] = [
    count(value("core_pid", "nagios_pid")),
    count(value("num_hosts")),
    count(value("num_services")),
  ];
  return {
    started,
    ...(pid !== undefined && { pid }),
    program: release(value("program_version")),
    livestatus: release(value("livestatus_version")),
    ...(hosts !== undefined && { hosts }),
    ...(services !== undefined && { services }),
  };
}

function count(value: unknown): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

function release(value: unknown): string {
  return typeof value === "string" ? printable(value, MAX_RELEASE) : "";
}
