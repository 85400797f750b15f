/** The agent's command line. */
import type { Command } from "commander";
import { createProgram } from "../common/command/index.ts";
import {
  addCheckmkCheck,
  addDetect,
  addDoctor,
  addEnroll,
  addKey,
  addReload,
  addRun,
  addServices,
  addStatus,
} from "./command/index.ts";

/** All of `farsite-agent`: what its help, its manual page and its completion are made from. */
export function agentProgram(): Command {
  const program = createProgram(
    "farsite-agent",
    "Connects this host's Checkmk site to a central site over one outbound connection.",
  );
  addEnroll(program);
  addRun(program);
  addReload(program);
  addStatus(program);
  addServices(program);
  addKey(program);
  addDetect(program);
  addDoctor(program);
  addCheckmkCheck(program);
  return program;
}
