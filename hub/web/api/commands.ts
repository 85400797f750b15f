/** What can be done about a problem. */

import { z } from "zod";
import { FarsiteError } from "../../../common/errors.ts";
import { type ProblemCommand, problemCommand } from "../../problems/index.ts";
import { InvalidRequest } from "../site/index.ts";
import { type Route, route } from "./route/index.ts";
import { ofSite, time } from "./schema.ts";

/** Of a host's or service's name, in UTF-16 units. */
const LONGEST_NAME = 1_000;
/** Of a comment: what is longer, or not one line, the command refuses itself. */
const comment = z.string().min(1).max(1_000).describe("One line");
const name = z.string().min(1).max(LONGEST_NAME);
const target = { host: name, service: name.optional().describe("Missing: the host itself") };

const command = z.discriminatedUnion("kind", [
  z
    .strictObject({
      kind: z.literal("acknowledge"),
      ...target,
      comment,
      sticky: z.boolean().default(true).describe("Until it is well again; else until its state changes"),
      notify: z.boolean().default(true).describe("Tells the contacts"),
      persistent: z.boolean().default(false).describe("The comment stays when the acknowledgement goes"),
    })
    .meta({ id: "Acknowledge" }),
  z.strictObject({ kind: z.literal("unacknowledge"), ...target }).meta({ id: "Unacknowledge" }),
  z
    .strictObject({
      kind: z.literal("downtime"),
      ...target,
      comment,
      from: time,
      to: time,
      services: z.boolean().default(false).describe("Of a host: with all of its services"),
    })
    .meta({ id: "Downtime" }),
  z
    .strictObject({
      kind: z.literal("remove-downtime"),
      ...target,
      id: z.int().min(1).optional().describe("All of its own unless one is named"),
    })
    .meta({ id: "RemoveDowntime" }),
  z.strictObject({ kind: z.literal("recheck"), ...target }).meta({ id: "Recheck" }),
]);

const result = z
  .object({
    outcome: z
      .enum(["done", "sent", "refused"])
      .describe(
        "The core shows its effect; it was sent and does not show yet; it was not sent, or not let in",
      ),
    reason: z.string().optional(),
  })
  .meta({ id: "CommandResult" });

/** Seconds that a core may take to show what a command did. */
const PATIENCE = 120;

export const commandRoutes: Route[] = [
  route({
    method: "post",
    path: "/tenants/{tenant}/sites/{site}/commands",
    id: "command",
    tag: "problems",
    summary: "Acknowledge, set or remove a downtime, check again",
    description:
      "Given once to the core of the site. What a core or a policy refuses is no error of the request: see `outcome`.",
    right: "command",
    params: ofSite,
    body: command,
    answer: result,
    async handle({ params, body: { host, service, ...rest } }, reach, { env }) {
      env.patience(PATIENCE);
      return reach.command({ ...params, host, service }, commandOf(rest));
    },
  }),
];

/** As the hub gives it. Throws E_REQUEST. */
function commandOf(sent: Record<string, unknown>): ProblemCommand {
  const { from, to } = sent;
  const { data, error } = problemCommand.safeParse({
    ...sent,
    ...(typeof from === "string" && { from: Math.floor(Date.parse(from) / 1_000) }),
    ...(typeof to === "string" && { to: Math.floor(Date.parse(to) / 1_000) }),
  });
  if (data) return data;
  if (!error) throw new FarsiteError("E_INTERNAL", "a command was neither taken nor refused");
  throw new InvalidRequest(
    error.issues.map(({ path, message }) => ({ in: "body", field: path.join("."), detail: message })),
  );
}
