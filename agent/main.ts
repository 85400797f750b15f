#!/usr/bin/env bun

const program = createProgram(
  "farsite-agent",
  "Connects this host's Checkmk site to a central site over one outbound connection.",
);
addEnroll(program);
addRun(program);
addStatus(program);
addServices(program);
addDetect(program);
await runProgram(program, process.argv.slice(2));

import { createProgram, runProgram } from "../common/command/index.ts";
import { addDetect, addEnroll, addRun, addServices, addStatus } from "./command/index.ts";
