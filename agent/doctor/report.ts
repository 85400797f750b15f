/** What the doctor prints for people, and the text that can be forwarded. */
import { findingLines } from "../../common/finding.ts";
import type { Finding, Step } from "./finding.ts";
import { isNetwork, OWNERS } from "./owner.ts";

/** A finding in lines: what, what to do, whose job it is. */
export function linesOf(finding: Finding): string[] {
  return findingLines(finding, finding.owner ? [`Whose job: ${OWNERS[finding.owner]}.`] : []);
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
