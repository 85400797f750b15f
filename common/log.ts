/** Log lines: one line each on standard error, `key=value` behind the message, made for journald. */
import { configureSync, getLogger, type LogRecord } from "@logtape/logtape";

export type LogLevel = "debug" | "info" | "warning" | "error";
export type LogFields = Record<string, string | number | boolean | undefined>;

export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A log whose every line carries `fields` as well. */
  with(fields: LogFields): Log;
}

// journald reads a syslog priority in angle brackets at the start of a line (sd-daemon(3))
const PRIORITY: Record<string, number> = { debug: 7, info: 6, warning: 4, error: 3 };

function quoted(value: unknown): string {
  const text = String(value);
  return /^[\w.:/@+,%-]+$/.test(text) ? text : JSON.stringify(text);
}

function lineOf(record: LogRecord, underJournald: boolean): string {
  const fields = Object.entries(record.properties)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}=${quoted(value)}`)
    .join("");
  // control characters in a message could forge a second log line
  const message = `${record.rawMessage}${fields}`.replace(/\p{Cc}/gu, "?");
  return underJournald
    ? `<${PRIORITY[record.level] ?? 6}>${message}\n`
    : `${new Date(record.timestamp).toISOString()} ${record.level.padEnd(7)} ${message}\n`;
}

/** Sets logging up for this process, in the composition root; again for another level. Returns its root log. */
export function openLog(program: string, level: LogLevel): Log {
  const underJournald = process.env.JOURNAL_STREAM !== undefined;
  configureSync({
    reset: true,
    sinks: { stderr: (record) => process.stderr.write(lineOf(record, underJournald)) },
    loggers: [
      { category: [program], sinks: ["stderr"], lowestLevel: level },
      { category: ["logtape", "meta"], sinks: [], lowestLevel: "error" },
    ],
  });
  return getLogger([program]);
}

/** Swallows everything. */
export const silentLog: Log = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  with: () => silentLog,
};

/** Keeps what is logged, for tests. */
export class MemoryLog implements Log {
  constructor(
    readonly lines: { level: LogLevel; message: string; fields: LogFields }[] = [],
    private readonly extra: LogFields = {},
  ) {}
  private add(level: LogLevel, message: string, fields: LogFields = {}): void {
    this.lines.push({ level, message, fields: { ...this.extra, ...fields } });
  }
  debug(message: string, fields?: LogFields): void {
    this.add("debug", message, fields);
  }
  info(message: string, fields?: LogFields): void {
    this.add("info", message, fields);
  }
  warn(message: string, fields?: LogFields): void {
    this.add("warning", message, fields);
  }
  error(message: string, fields?: LogFields): void {
    this.add("error", message, fields);
  }
  with(fields: LogFields): Log {
    return new MemoryLog(this.lines, { ...this.extra, ...fields });
  }
}
