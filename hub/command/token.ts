/** `farsite-hub token ...` */

import type { Command } from "commander";
import {
  ago,
  type Places,
  printJson,
  printLine,
  printTable,
  withPlaces,
} from "../../common/command/index.ts";
import { FarsiteError } from "../../common/errors.ts";
import { userName } from "../../common/names.ts";
import { type MadeToken, RIGHTS, type Right } from "../access/index.ts";
import type { ApiToken } from "../registry/index.ts";
import { askHub } from "./client.ts";

const HELP = `
A token acts as a user: with those of its rights that the user has, for the tenants of the user.
For example, for Prometheus:
  farsite-hub user add prometheus --role operator --no-password
  farsite-hub token add prometheus scrape --scope hub --days 365`;

const MOST_DAYS = 3650;

export function addToken(program: Command): void {
  const token = program.command("token").description("API tokens of users: add, list, remove");
  const command = (usage: string, description: string) =>
    withPlaces(token.command(usage).description(description), "farsite-hub");

  command("add <user> <name>", "make a token and print it, once")
    .option("--scope <rights>", `some of ${RIGHTS.join(", ")}, separated by commas`, "see")
    .option("--days <n>", "how long it can be used", "90")
    .option("--json", "print JSON")
    .addHelpText("after", HELP)
    .action(
      async (
        user: string,
        name: string,
        options: Places & { scope: string; days: string; json?: boolean },
      ) => {
        const body = { user, name, scope: scopeOf(options.scope), days: daysOf(options.days) };
        const made = await askHub<MadeToken>(options, "POST", "/tokens", body);
        if (options.json) return printJson(made);
        printLine(made.token);
      },
    );

  command("list [user]", "list the tokens, of one user or all")
    .option("--json", "print JSON")
    .action(async (user: string | undefined, options: Places & { json?: boolean }) => {
      const query = user === undefined ? "" : `?user=${encodeURIComponent(user)}`;
      const tokens = await askHub<ApiToken[]>(options, "GET", `/tokens${query}`);
      if (options.json) return printJson(tokens.map(shown));
      if (tokens.length === 0) return printLine("No tokens: farsite-hub token add USER NAME");
      const now = Date.now();
      printTable(
        ["USER", "TOKEN", "SCOPE", "EXPIRES", "USED"],
        tokens
          .map(shown)
          .map((each) => [
            each.user,
            each.name,
            each.scope.join(","),
            each.expires.replace(/\.\d+/, ""),
            ago(each.used, now),
          ]),
      );
    });

  command("remove <user> <name>", "remove a token; it ends at once").action(
    async (user: string, name: string, places: Places) => {
      for (const each of [user, name])
        if (!userName.safeParse(each).success) throw new FarsiteError("E_NAME", `not a name: ${each}`);
      await askHub(places, "DELETE", `/tokens/${encodeURIComponent(user)}/${encodeURIComponent(name)}`);
    },
  );
}

function shown({ user, name, scope, created, expires, used }: ApiToken) {
  const [first, last] = [created, expires].map((at) => new Date(at).toISOString()) as [string, string];
  return {
    user,
    name,
    scope,
    created: first,
    expires: last,
    ...(used !== undefined && { used: new Date(used).toISOString() }),
  };
}

function scopeOf(text: string): Right[] {
  const names = [...new Set(text.split(",").map((name) => name.trim()))];
  const rights = names.filter((name): name is Right => RIGHTS.includes(name as Right));
  if (rights.length === names.length) return rights;
  throw new FarsiteError("E_USAGE", `--scope ${text}: some of ${RIGHTS.join(", ")} are expected`);
}

function daysOf(text: string): number {
  const days = Number(text);
  if (days > 0 && days <= MOST_DAYS) return days;
  throw new FarsiteError("E_USAGE", `--days ${text}: a number up to ${MOST_DAYS} is expected`);
}
