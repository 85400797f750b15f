/** The hub's command line. */
import type { Command } from "commander";
import { createProgram } from "../common/command/index.ts";
import {
  addAudit,
  addCheckmk,
  addDoctor,
  addEndpoints,
  addKey,
  addProblem,
  addQuery,
  addReload,
  addServe,
  addSite,
  addTenant,
  addToken,
  addUser,
} from "./command/index.ts";

/** All of `farsite-hub`: what its help, its manual page and its completion are made from. */
export function hubProgram(): Command {
  const program = createProgram(
    "farsite-hub",
    "Gives a central Checkmk site one local address per remote site, over the connections that agents hold.",
  );
  addServe(program);
  addReload(program);
  addTenant(program);
  addSite(program);
  addKey(program);
  addEndpoints(program);
  addDoctor(program);
  addQuery(program);
  addProblem(program);
  addAudit(program);
  addCheckmk(program);
  addUser(program);
  addToken(program);
  return program;
}
