/** `farsite-hub audit` */

import type { Command } from "commander";
import { type Places, printJson, printLine, printTable, withPlaces } from "../../common/command/index.ts";
import { FarsiteError } from "../../common/errors.ts";
import { type AuditRecord, parseSitePath } from "../registry/index.ts";
import { MOST_RECORDS } from "../web/admin/index.ts";
import { addHead, addVerify } from "./audit-chain.ts";
import { askHub } from "./client.ts";
import { dateOf, durationOf } from "./time.ts";

interface Options extends Places {
  tenant?: string;
  site?: string;
  action?: string;
  since?: string;
  limit: string;
  json?: boolean;
}

const HELP = `
For example:
  farsite-hub audit --since 2h
  farsite-hub audit --tenant acme --action livestatus.
  farsite-hub audit --site acme/main --since 2026-01-31T13:00 --limit 1000 --json`;

export function addAudit(program: Command): void {
  const group = program
    .command("audit")
    .description("who did what, and whether it is all there; without another word: show");
  addShow(group);
  addVerify(group);
  addHead(group);
}

function addShow(group: Command): void {
  withPlaces(group.command("show", { isDefault: true }), "farsite-hub")
    .description("show who did what, the newest last")
    .option("--tenant <tenant>", "about a tenant and its sites")
    .option("--site <tenant/site>", "about one site")
    .option("--action <prefix>", "actions that begin so, such as site. or livestatus.refuse")
    .option("--since <time>", "not older: 30m, 2h, 7d, or a date and time in UTC such as 2026-01-31T13:00")
    .option("--limit <n>", "at most so many, the newest", "100")
    .option("--json", "print JSON")
    .addHelpText("after", HELP)
    .action(audit);
}

async function audit({ json, ...options }: Options): Promise<void> {
  const records = await askHub<AuditRecord[]>(options, "GET", `/audit?${queryOf(options, Date.now())}`);
  if (json) return printJson(records);
  if (records.length === 0) return printLine("No such records.");
  printTable(
    ["TIME", "WHO", "FROM", "ACTION", "SITE", "DETAIL"],
    records.map(({ time, who, from, action, tenant, site, detail }) => [
      time.replace(/\.\d+/, ""),
      who,
      from,
      action,
      site === "" ? tenant : `${tenant}/${site}`,
      detail,
    ]),
  );
}

function queryOf({ tenant, site, action, since, limit }: Options, now: number): string {
  if (tenant !== undefined && site !== undefined) {
    throw new FarsiteError("E_USAGE", "--site names its tenant; it does not go with --tenant");
  }
  if (!/^\d{1,6}$/.test(limit) || Number(limit) < 1 || Number(limit) > MOST_RECORDS) {
    throw new FarsiteError("E_USAGE", `--limit ${limit}: a number from 1 to ${MOST_RECORDS} is expected`);
  }
  const named = site === undefined ? { tenant } : parseSitePath(site);
  const wanted = { ...named, action, since: since === undefined ? undefined : sinceOf(since, now), limit };
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(wanted)) if (value !== undefined) query.set(key, String(value));
  return query.toString();
}

/** ms since the epoch. @throws E_USAGE it is no time */
export function sinceOf(text: string, now: number): number {
  const ago = durationOf(text);
  const at = ago === undefined ? dateOf(text) : Math.max(0, now - ago);
  if (at !== undefined) return at;
  throw new FarsiteError(
    "E_USAGE",
    `--since ${text}: a duration such as 30m, 2h or 7d, or a date and time such as 2026-01-31T13:00 is expected`,
  );
}
