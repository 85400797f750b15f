/** What the doctor prints for people, and the text that can be forwarded. */
import type { Finding, Step } from "./finding.ts";
import { isNetwork, OWNERS } from "./owner.ts";

const MARKS: Record<Finding["state"], string> = {
  ok: "ok",
  warning: "WARNING",
  problem: "PROBLEM",
  skipped: "-",
};

/** Columns of a mark and of a step's name. */
const MARK = 9;
const STEP = 16;

/** A finding in lines: what, what to do, whose job it is. */
export function linesOf(finding: Finding): string[] {
  const { state, step, says, code } = finding;
  const head = `${MARKS[state].padEnd(MARK)}${step.padEnd(STEP)}`;
  const coded = code ? `${says} [${code}]` : says;
  if (state !== "problem" && state !== "warning") return [`${head}${coded}`];
  const indent = " ".repeat(MARK + STEP);
  return [
    `${head}${coded}`,
    ...(finding.do === undefined ? [] : finding.do.split("\n").map((line) => `${indent}${line}`)),
    ...(finding.owner === undefined ? [] : [`${indent}Whose job: ${OWNERS[finding.owner]}.`]),
  ];
}

export interface Circumstances {
  host: string;
  /** ISO 8601. */
  time: string;
  /** HOST port PORT of the hub. */
  hub: string;
  /** The way there, in words. */
  route: string;
}

const SEEN: Partial<Record<Step, string>> = {
  name: "Its name is resolved.",
  proxy: "The proxy answers and lets it through.",
  connection: "A TCP connection is made.",
  tls: "TLS comes about, with a certificate that is trusted.",
};

/** Text for those who administer the network, about what is wrong on their part of the way; none if nothing is. */
export function textToForward(findings: readonly Finding[], about: Circumstances): string[] {
  const at = findings.findIndex(({ state, owner }) => state === "problem" && isNetwork(owner));
  const found = findings[at];
  if (!found?.owner) return [];
  const passed = findings
    .slice(0, at)
    .flatMap(({ state, step }) => (state === "ok" ? (SEEN[step] ?? []) : []));
  return [
    `To ${OWNERS[found.owner]}:`,
    "",
    `  The host ${about.host} must reach ${about.hub}: outbound TCP with TLS, one long-lived connection (a`,
    "  WebSocket, or HTTPS requests). Nothing inbound, no UDP.",
    `  Way: ${about.route}. Seen at ${about.time}:`,
    ...passed.map((line) => `  - ${line}`),
    `  - Then: ${found.says}.`,
    ...(found.do === undefined ? [] : [`  Wanted: ${found.do.replaceAll("\n", " ")}`]),
    `  Error code: ${found.code ?? "none"}. What crosses the connection and how to check it: docs/firewall.md.`,
  ];
}
