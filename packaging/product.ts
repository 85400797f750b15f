/** The two programs that are packaged, and what tells their packages apart. */
import type { Command } from "commander";
import { INITIAL_CONFIG } from "../agent/config.ts";
import { agentProgram } from "../agent/program.ts";
import { hubProgram } from "../hub/program.ts";

export interface Product {
  /** Of the package, the program, the unit, the user and the directories. */
  name: "farsite-agent" | "farsite-hub";
  side: "agent" | "hub";
  /** One line, without an article and a full stop (Debian Policy 3.4.1). */
  summary: string;
  /** Paragraphs. */
  description: readonly string[];
  program(): Command;
  /** Where Checkmk's agent looks for what tells it of the program. */
  check: string;
  /** Files of docs/ that its users need. */
  docs: readonly string[];
  /** Files of packaging/monitoring/ for who watches it. */
  monitoring: readonly string[];
  /** Below /etc/farsite, kept through upgrades as the administrator left them. */
  conffiles: readonly string[];
  /** What the installation lays down as /etc/farsite/SIDE.toml where there is none. */
  initialConfig: string | undefined;
}

const ABOUT = `Farsite connects remote Checkmk sites to a central site over one outbound
connection from each customer network: no inbound port, no VPN, no NAT.`;

export const PRODUCTS: readonly Product[] = [
  {
    name: "farsite-agent",
    side: "agent",
    summary: "connects a Checkmk site to a central site, outbound only",
    description: [
      ABOUT,
      `This is the agent. It runs beside the remote site, keeps one connection to
the hub of the monitoring provider, and offers it the local services that are
named in its own file, and no others.`,
    ],
    program: agentProgram,
    check: "usr/lib/check_mk_agent/local/farsite",
    docs: [
      "agent.md",
      "agent.toml",
      "errors.md",
      "firewall.md",
      "install.md",
      "outbox.md",
      "ports.md",
      "security.md",
    ],
    monitoring: [],
    // programs write it too (detect --write), so it must not be one that dpkg asks about
    conffiles: [],
    initialConfig: INITIAL_CONFIG,
  },
  {
    name: "farsite-hub",
    side: "hub",
    summary: "gives a central Checkmk site a local address for each remote site",
    description: [
      ABOUT,
      `This is the hub. It runs beside the central site, takes the connections of
the agents, and gives the central site one local address for each remote
site, with the usual ports.`,
    ],
    program: hubProgram,
    check: "usr/lib/check_mk_agent/plugins/farsite-hub",
    docs: [
      "checkmk.md",
      "errors.md",
      "federation.md",
      "http.md",
      "hub.toml",
      "install.md",
      "livestatus.md",
      "monitoring.md",
      "operator.md",
      "outbox.md",
      "ports.md",
      "security.md",
      "viewer.md",
    ],
    monitoring: ["grafana-dashboard.json", "prometheus-rules.yml"],
    conffiles: ["hub.toml"],
    initialConfig: undefined,
  },
];
