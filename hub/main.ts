#!/usr/bin/env bun

const program = createProgram(
  "farsite-hub",
  "Gives a central Checkmk site one local address per remote site, over the connections that agents hold.",
);
addServe(program);
addTenant(program);
addSite(program);
addEndpoints(program);
addQuery(program);
addAudit(program);
addCheckmk(program);
await runProgram(program, process.argv.slice(2));

import { createProgram, runProgram } from "../common/command/index.ts";
import {
  addAudit,
  addCheckmk,
  addEndpoints,
  addQuery,
  addServe,
  addSite,
  addTenant,
} from "./command/index.ts";
