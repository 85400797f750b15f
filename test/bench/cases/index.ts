/** All cases, in the order in which they are measured. */
import { pingpongUnderBulk, thinLine } from "./beside-bulk.ts";
import type { Case } from "./case.ts";
import { federated } from "./federate.ts";
import { wanBulk, wanPage, wanQuery, wireBytes } from "./line.ts";
import { cachedProbe, query } from "./livestatus.ts";
import { bulk, connect, keep32, pingpong, services } from "./loopback.ts";
import { memory } from "./memory.ts";
import { stoppedCore } from "./stopped.ts";
import { upload } from "./upload.ts";
import { watched } from "./watch.ts";
import { overview } from "./web.ts";

export const CASES: readonly Case[] = [
  bulk("up"),
  bulk("down"),
  pingpong,
  connect,
  keep32,
  services,
  cachedProbe,
  query,
  pingpongUnderBulk,
  memory,
  upload,
  wanQuery,
  wanPage,
  wireBytes,
  wanBulk,
  thinLine,
  federated,
  watched,
  overview,
  stoppedCore,
];
