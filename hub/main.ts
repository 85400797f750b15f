#!/usr/bin/env bun
import { createProgram, runProgram } from "../common/command/program.ts";
import { addEndpoints } from "./command/endpoints.ts";
import { addServe } from "./command/serve.ts";
import { addSite } from "./command/site.ts";
import { addTenant } from "./command/tenant.ts";

const program = createProgram(
  "farsite-hub",
  "Gives a central Checkmk site one local address per remote site, over the connections that agents hold.",
);
addServe(program);
addTenant(program);
addSite(program);
addEndpoints(program);
await runProgram(program, process.argv.slice(2));
