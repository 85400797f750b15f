#!/usr/bin/env bun
import { createProgram, runProgram } from "../common/command/program.ts";
import { addEnroll } from "./command/enroll.ts";
import { addRun } from "./command/run.ts";
import { addServices } from "./command/services.ts";
import { addStatus } from "./command/status.ts";

const program = createProgram(
  "farsite-agent",
  "Connects this host's Checkmk site to a central site over one outbound connection.",
);
addEnroll(program);
addRun(program);
addStatus(program);
addServices(program);
await runProgram(program, process.argv.slice(2));
