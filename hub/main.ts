#!/usr/bin/env bun
import { runProgram } from "../common/command/index.ts";
import { hubProgram } from "./program.ts";

await runProgram(hubProgram(), process.argv.slice(2));
