/** `farsite-hub serve` */

import type { Command } from "commander";
import { type Places, withPlaces } from "../../common/command/index.ts";
import { serve } from "../serve/index.ts";

export function addServe(program: Command): void {
  withPlaces(program.command("serve").description("run the hub in the foreground"), "farsite-hub").action(
    (places: Places) => serve(places),
  );
}
