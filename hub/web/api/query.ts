/** One Livestatus query to many sites. */

import { z } from "zod";
import { FarsiteError } from "../../../common/errors.ts";
import { Refusal } from "../../../common/livestatus/index.ts";
import { tenantName } from "../../../common/names.ts";
import { type Route, route } from "./route/index.ts";

/** UTF-16 units: a request may be this long at most, whatever `largest_request_kib` says. */
const LONGEST_QUERY = 1 << 20;
/** Seconds without a byte of the answer: longer than any query may take before it is given up. */
const PATIENCE = 255;

const answer = z
  .object({
    data: z.array(z.array(z.unknown())).describe("Rows"),
    columns: z.array(z.string()).optional(),
    failed: z.record(z.string(), z.string()).describe("Sites that did not answer, and why"),
    total_count: z.int().optional(),
    rows_scanned: z.int().optional(),
  })
  .meta({ id: "QueryAnswer" });

export const queryRoutes: Route[] = [
  route({
    method: "post",
    path: "/query",
    id: "query",
    tag: "query",
    summary: "Ask the cores of many sites with one Livestatus query",
    description:
      "Sites that cannot be asked are in `failed`, the answer is of the others. What is wrong after the answer has begun ends the connection.",
    right: "see",
    body: z.strictObject({
      tenant: tenantName
        .optional()
        .describe("All that the caller sees unless one is named; who sees several, but not all, names one"),
      query: z
        .string()
        .min(1)
        .max(LONGEST_QUERY)
        .describe("Such as `GET services\\nColumns: host_name description\\nFilter: state = 2`"),
    }),
    answer,
    fails: [404, 502],
    async handle({ body }, reach, { env }) {
      env.patience(PATIENCE);
      const stream = await reach.query(body.tenant, body.query.trimEnd()).catch(toldWhose);
      return new Response(stream, { headers: { "content-type": "application/json" } });
    },
  }),
];

/** A query that is wrong is the caller's doing, and no site's. */
function toldWhose(error: unknown): never {
  if (!(error instanceof FarsiteError) || !(error.cause instanceof Refusal) || error.cause.code >= 500)
    throw error;
  throw new FarsiteError(
    "E_REQUEST",
    `the query is not answered: ${error.message}`,
    "docs/federation.md has what can be asked of many sites.",
  );
}
