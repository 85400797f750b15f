/** How the API tells that something failed: RFC 9457. */

import { z } from "zod";
import { ERROR_CODES, type ErrorCode } from "../../../../common/errors.ts";

export const PROBLEM_TYPE = "application/problem+json";

export const problemDetails = z
  .object({
    type: z.literal("about:blank"),
    title: z.string().describe("What the status means"),
    status: z.int(),
    detail: z.string().describe("What failed and where, for people"),
    code: z
      .enum(Object.keys(ERROR_CODES) as [ErrorCode, ...ErrorCode[]])
      .describe("Stable; docs/errors.md explains each"),
    hint: z.string().optional().describe("What to do about it"),
    errors: z
      .array(
        z.object({
          in: z.enum(["path", "query", "body"]),
          field: z.string().describe("Dotted; empty where it is about the part as a whole"),
          detail: z.string(),
        }),
      )
      .optional()
      .describe("Of a malformed request: everything that is wrong with it"),
  })
  .meta({ id: "ProblemDetails" });
