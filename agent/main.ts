#!/usr/bin/env bun
import { runProgram } from "../common/command/index.ts";
import { agentProgram } from "./program.ts";

await runProgram(agentProgram(), process.argv.slice(2));
