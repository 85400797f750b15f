/** The targets of this host that agent.toml names: whether they answer, and whether the agent may open them. */
import type { Clock } from "../../common/clock.ts";
import { LIVESTATUS } from "../../common/core.ts";
import type { SiteConfig } from "../config.ts";
import { type Finding as CoreFinding, listensAt, Probe, secure } from "../core/index.ts";
import { type Account, type Rights, rightsAdvice, rightsTo } from "../omd/index.ts";
import { dialTarget, probeTarget, type Target } from "../service/index.ts";
import { type Finding, ok, warning } from "./finding.ts";

/** How targets are asked; tests have answers of their own. */
export interface Ask {
  /** Undefined when it takes connections, else why not. */
  connect: (target: Target) => Promise<string | undefined>;
  /** How the core behind it is. */
  core: (target: Target) => Promise<CoreFinding | undefined>;
  /** What the agent's user lacks to open a Unix socket. */
  rights: (path: string) => Rights;
  account: Pick<Account, "name" | "exists">;
}

export function systemAsk(account: Account, clock: Clock, timeout: number): Ask {
  return {
    connect: probeTarget,
    core: (target) =>
      new Probe({ target, dial: dialTarget, secure, clock, timeout, listening: listensAt }).ask(),
    rights: (path) => rightsTo(path, account),
    account,
  };
}

/** One finding for each service. */
export async function serviceFindings(
  { services, push_only }: Pick<SiteConfig, "services" | "push_only">,
  ask: Ask,
): Promise<Finding[]> {
  const named = Object.entries(services);
  if (push_only) return [ok("service", "push-only: the hub reaches none")];
  if (named.length === 0) {
    const more = { do: "farsite-agent detect shows what this host has.", owner: "host" } as const;
    return [warning("service", "agent.toml names no services: the hub reaches none", more)];
  }
  return Promise.all(named.map(([name, { text, address }]) => serviceFinding(name, text, address, ask)));
}

async function serviceFinding(name: string, text: string, target: Target, ask: Ask): Promise<Finding> {
  const what = `${name} at ${text}`;
  const advice =
    "path" in target ? rightsAdvice(target.path, ask.rights(target.path), ask.account) : undefined;
  // whoever runs this may have other rights than the agent: what counts is the agent's
  if (advice !== undefined) return failed(`${what}: ${ask.account.name} may not open it`, advice);
  const reason = await ask.connect(target);
  if (reason !== undefined) return failed(`${what}: ${reason}`, adviceFor(reason));
  if (name !== LIVESTATUS) return ok("service", `${what} takes connections`);
  const found = await ask.core(target);
  if (found && "core" in found) return ok("service", `${what} answers: ${found.core.program}`);
  return failed(
    `${what}: ${found?.reason ?? "no answer"}`,
    "See whether the site's core runs: omd status SITE",
  );
}

function failed(says: string, advice: string): Finding {
  return { step: "service", state: "problem", says, code: "E_TARGET_UNREACHABLE", do: advice, owner: "host" };
}

function adviceFor(reason: string): string {
  if (reason === "EACCES")
    return "This user may not open it; farsite-agent detect says how the agent's user may.";
  return "See whether it runs (omd status SITE), and whether agent.toml has the right target.";
}
