/** `farsite-hub checkmk apply` */

import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { type Places, printJson, printLine } from "../../common/command/index.ts";
import { FarsiteError, reasonOf } from "../../common/errors.ts";
import {
  apply,
  Central,
  centralUrl,
  checkedUser,
  type Ledger,
  type Made,
  type Outcome,
  readSecret,
  SECRET_VARIABLE,
  withoutProxy,
} from "../checkmk/rest/index.ts";
import { type ConnectionOptions, planFor, wishesOf, withConnections } from "./checkmk-connections.ts";
import { askHub } from "./client.ts";

interface Options extends ConnectionOptions {
  url: string;
  user: string;
  secretFile?: string;
  caFile?: string;
  dryRun?: boolean;
  prune?: boolean;
  adopt?: string;
  json?: boolean;
}

/** ms from a request to the end of its answer: a central site with thousands of hosts takes seconds to save. */
const TIMEOUT = 60_000;

const HELP = `
Only connections that this command made are changed or removed, and of them only what the options say; the rest
is yours. Give the same options each time. The changes are pending in Checkmk until they are activated there.`;

export function addApply(checkmk: Command): void {
  withConnections(checkmk.command("apply"))
    .description("make and change site connections through the central site's REST API")
    .requiredOption("--url <url>", "the REST API: https://HOST/SITE/check_mk/api/1.0")
    .requiredOption("--user <user>", "an automation user of the central site")
    .option("--secret-file <file>", `holds the automation secret; or the variable ${SECRET_VARIABLE}`)
    .option("--ca-file <file>", "authorities that are trusted instead of the system's (PEM)")
    .option("--dry-run", "say what would be changed")
    .option("--prune", "remove the connections of sites that are there no more")
    .option("--adopt <ids>", "take over connections made by hand; IDs, separated by commas")
    .option("--json", "print JSON")
    .addHelpText("after", HELP)
    .action(run);
}

async function run(options: Options): Promise<void> {
  const url = centralUrl(options.url);
  withoutProxy(url, process.env);
  const central = new Central({
    url,
    user: checkedUser(options.user),
    secret: readSecret(options.secretFile, process.env),
    ca: options.caFile === undefined ? undefined : readAuthorities(options.caFile),
    timeout: TIMEOUT,
    fetch: (address, init) => fetch(address, init),
  });
  const { tenant, prune, dryRun, json } = options;
  const outcomes: Outcome[] = [];
  const adopt = new Set(options.adopt?.split(",").map((id) => id.trim()));
  const plan = await planFor(options);
  const wishes = wishesOf(options);
  const ledger = ledgerOf(options, url);
  for await (const outcome of apply({ central, ledger, plan, wishes, tenant, prune, adopt, dryRun })) {
    outcomes.push(outcome);
    if (!json) print(outcome, dryRun === true);
  }
  if (json) printJson(outcomes.map((outcome) => asJson(outcome)));
  conclude(outcomes);
}

/** What the hub keeps of what was made at this central site. */
function ledgerOf(places: Places, central: string): Ledger {
  const path = (id = "") =>
    `/checkmk/connections${id && `/${encodeURIComponent(id)}`}?central=${encodeURIComponent(central)}`;
  return {
    list: () => askHub<Made[]>(places, "GET", path()),
    note: async (made) => void (await askHub(places, "POST", path(), made)),
    forget: async (id) => void (await askHub(places, "DELETE", path(id))),
  };
}

function readAuthorities(path: string): string {
  try {
    const text = readFileSync(path, "utf8");
    if (text.includes("BEGIN CERTIFICATE")) return text;
  } catch (error) {
    throw new FarsiteError("E_CONFIG", `${path} cannot be read: ${reasonOf(error)}`);
  }
  throw new FarsiteError("E_CONFIG", `${path} holds no certificate (PEM)`);
}

const SIGNS = { create: "+", update: "~", keep: "=", remove: "-", leave: " " } as const;
const WORDS = { create: "new", update: "changed", keep: "as it should be", remove: "removed" } as const;

/** In the manner of a diff: a line for each site, and below it what changes. */
function print(outcome: Outcome, dryRun: boolean): void {
  const { tenant, site, id, action, changes, reason, error } = outcome;
  if (error) {
    printLine(`! ${tenant}/${site}: ${error.message} [${error.code}]`);
    for (const line of error.hint?.split("\n") ?? []) printLine(`    ${line}`);
    return;
  }
  const would = dryRun && action !== "keep" ? "would be " : "";
  const what = action === "leave" ? "left out" : `connection ${id} ${would}${WORDS[action]}`;
  printLine(`${SIGNS[action]} ${tenant}/${site}: ${what}${reason === undefined ? "" : ` (${reason})`}`);
  for (const { path, from, to } of changes) {
    const before = from === undefined ? "" : `${JSON.stringify(from)} -> `;
    printLine(`    ${path}: ${before}${to === undefined ? "none" : JSON.stringify(to)}`);
  }
}

function asJson({ error, ...rest }: Outcome): unknown {
  if (!error) return rest;
  const { code, message, hint } = error;
  return { ...rest, error: { code, message, ...(hint !== undefined && { hint }) } };
}

function conclude(outcomes: readonly Outcome[]): void {
  const failed = outcomes.filter(({ error }) => error !== undefined);
  if (failed.length === 0) return;
  throw new FarsiteError(
    "E_CHECKMK_INCOMPLETE",
    `${failed.length} of ${outcomes.length} site connections could not be brought to what they should be`,
    failed
      .map(({ tenant, site, error }) => `${tenant}/${site}: ${error?.message} [${error?.code}]`)
      .join("\n"),
  );
}
