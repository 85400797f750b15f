/** What of hub.toml the hub takes up while it runs, where the part has no file of its own here. */

import { type Reconfigurable, switched } from "../../common/config/index.ts";
import type { HubConfig } from "../config/index.ts";
import type { RetentionLimits } from "../registry/index.ts";
import type { Admission, AdmissionLimits } from "../tunnel/index.ts";
import { DAY } from "./ground.ts";

/** Keys that are looked up whenever they are needed. */
export const READ_LIMITS = ["limits.token_minutes", "limits.return_seconds", "limits.drain_seconds"];

const ADMISSION = ["limits.handshakes", "limits.handshakes_per_address", "limits.refusals_per_minute"];

export function admissionOf({ limits }: HubConfig): AdmissionLimits {
  return {
    handshakes: limits.handshakes,
    handshakesPerAddress: limits.handshakes_per_address,
    refusalsPerMinute: limits.refusals_per_minute,
  };
}

export function admissionPart(admission: Admission): Reconfigurable<HubConfig> {
  return switched(ADMISSION, (changed) => admission.reconfigure(admissionOf(changed)));
}

export function retentionOf({ audit }: HubConfig): RetentionLimits {
  return { rows: audit.keep_rows, age: audit.keep_days * DAY };
}
