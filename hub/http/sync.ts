/** Knows Checkmk's calls of configuration sync by their path and command; of nothing else in a request. */

/** `state`: what the site has; `receive`: it gets the changes; `activate`: it takes them into use. */
export type SyncKind = "state" | "receive" | "activate";

export interface SyncCall {
  kind: SyncKind;
  command: string;
}

/** Commands of automation.py. Only these names are ever logged or kept. */
const COMMANDS: ReadonlyMap<string, SyncKind> = new Map([
  ["get-config-sync-state", "state"],
  ["receive-config-sync", "receive"],
  // Checkmk before 2.0
  ["push-snapshot", "receive"],
  ["activate-changes", "activate"],
]);

const AUTOMATION = /^\/[^/?]+\/check_mk\/automation\.py\?([^#]*)$/;
/** The same as a call of the REST API. */
const REST =
  /^\/[^/?]+\/check_mk\/api\/[\w.]+\/domain-types\/activation_run\/actions\/activate-changes\/invoke\/?(?:\?|$)/;

/** What a request is to configuration sync; undefined: nothing. */
export function syncCallOf(method: string, target: string): SyncCall | undefined {
  if (method !== "POST") return undefined;
  if (REST.test(target)) return { kind: "activate", command: "activate-changes" };
  const [, query] = AUTOMATION.exec(target) ?? [];
  if (query === undefined) return undefined;
  const command = new URLSearchParams(query).get("command") ?? "";
  const kind = COMMANDS.get(command);
  return kind && { kind, command };
}
