/** `farsite-hub user ...` */

import type { Command } from "commander";
import { type Places, printJson, printLine, printTable, withPlaces } from "../../common/command/index.ts";
import { FarsiteError } from "../../common/errors.ts";
import { isTenantRole, ROLES, type Role } from "../access/index.ts";
import type { User } from "../registry/index.ts";
import { askHub } from "./client.ts";
import { readPassword } from "./password.ts";

interface Standing {
  role: string;
  tenants?: string;
}

interface PasswordOptions {
  passwordFile?: string;
  /** False with --no-password. */
  password: boolean;
}

const HELP = `
For example:
  farsite-hub user add alice --role administrator
  farsite-hub user add bob --role tenant-viewer --tenants acme,globex --password-file /root/bob
  farsite-hub user add prometheus --role operator --no-password

The password is asked for, or read from standard input or a file; its first line counts.`;

export function addUser(program: Command): void {
  const user = program
    .command("user")
    .description("users of the web interface: add, list, remove, passwd, ...");
  const command = (usage: string, description: string) =>
    withPlaces(user.command(usage).description(description), "farsite-hub");
  const withStanding = (made: Command) =>
    made
      .requiredOption("--role <role>", `one of ${ROLES.join(", ")}`)
      .option("--tenants <names>", "tenants that a role for tenants is for, separated by commas");
  const withPassword = (made: Command) =>
    made
      .option("--password-file <file>", "read the password from a file that only its owner may read")
      .option("--no-password", "no password: API tokens only");

  withPassword(withStanding(command("add <name>", "add a user")))
    .option("--json", "print JSON")
    .addHelpText("after", HELP)
    .action(async (name: string, options: Places & Standing & PasswordOptions & { json?: boolean }) => {
      const standing = standingOf(options);
      const body = { name, ...standing, ...(await passwordOf(options)) };
      const made = await askHub<User>(options, "POST", "/users", body);
      if (options.json) printJson(shown(made));
    });

  command("list", "list the users")
    .option("--json", "print JSON")
    .action(async (options: Places & { json?: boolean }) => {
      const users = await askHub<User[]>(options, "GET", "/users");
      if (options.json) return printJson(users.map(shown));
      if (users.length === 0)
        return printLine("No users yet: farsite-hub user add NAME --role administrator");
      printTable(
        ["USER", "ROLE", "TENANTS", "PASSWORD", "CREATED"],
        users
          .map(shown)
          .map(({ user, role, tenants, password, created }) => [
            user,
            role,
            isTenantRole(role as Role) ? tenants.join(",") : "all",
            password ? "yes" : "no",
            created.replace(/\.\d+/, ""),
          ]),
      );
    });

  command("remove <name>", "remove a user; sessions and API tokens end").action(
    async (name: string, places: Places) => {
      await askHub(places, "DELETE", pathOf(name));
    },
  );

  withPassword(command("passwd <name>", "give a user another password; sessions end")).action(
    async (name: string, options: Places & PasswordOptions) => {
      await askHub(options, "PUT", `${pathOf(name)}/password`, await passwordOf(options));
    },
  );

  withStanding(command("role <name>", "give a user another role; sessions end")).action(
    async (name: string, options: Places & Standing) => {
      await askHub(options, "PUT", `${pathOf(name)}/role`, standingOf(options));
    },
  );

  command("logout <name>", "end a user's sessions; oidc:NAME for one of the OpenID provider")
    .option("--json", "print JSON")
    .action(async (name: string, options: Places & { json?: boolean }) => {
      const { ended } = await askHub<{ ended: number }>(options, "POST", `${pathOf(name)}/logout`);
      if (options.json) return printJson({ ended });
      printLine(`${ended} ${ended === 1 ? "session" : "sessions"} ended.`);
    });
}

function shown({ name, role, tenants, password, created }: User) {
  return { user: name, role, tenants, password, created: new Date(created).toISOString() };
}

/** Throws E_USAGE. */
function standingOf({ role, tenants }: Standing): { role: Role; tenants: string[] } {
  const known = ROLES.find((each) => each === role);
  if (!known) throw new FarsiteError("E_USAGE", `--role ${role}: one of ${ROLES.join(", ")} is expected`);
  if (isTenantRole(known) !== (tenants !== undefined)) {
    throw new FarsiteError(
      "E_USAGE",
      isTenantRole(known) ? `--role ${known} needs --tenants` : `--tenants does not go with --role ${known}`,
    );
  }
  return { role: known, tenants: tenants?.split(",").map((name) => name.trim()) ?? [] };
}

async function passwordOf({ password, passwordFile }: PasswordOptions): Promise<{ password?: string }> {
  if (!password && passwordFile !== undefined)
    throw new FarsiteError("E_USAGE", "--no-password does not go with --password-file");
  return password ? { password: await readPassword(passwordFile) } : {};
}

function pathOf(name: string): string {
  // what is no name would be another path: .. the folder above
  if (/^\.*$/.test(name)) throw new FarsiteError("E_NAME", `not a user name: ${name}`);
  return `/users/${encodeURIComponent(name)}`;
}
