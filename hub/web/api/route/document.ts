/** What the API is, as an OpenAPI 3.1 document: made of the same operations that are served. */

import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiPathsObject } from "zod-openapi";
import { VERSION } from "../../../../common/version.ts";
import { PROBLEM_TYPE, problemDetails } from "./problem.ts";
import type { Route } from "./route.ts";

const FAILURES: Readonly<Record<number, string>> = {
  400: "The request is malformed",
  401: "Nobody is logged in, or the token is not good",
  403: "The role, or the token's scope, does not allow it; or a page of somebody else may have sent it",
  404: "It does not exist, or is another tenant's",
  409: "What is there already does not allow it",
  413: "The request is too large",
  415: "The body is not said to be JSON",
  429: "Too many at once, or in too short a time",
  500: "A fault in Farsite; the hub's log says more",
  502: "The sites did not answer",
};

const INTRODUCTION = `What the hub's pages and its command line do. Everything shown is of tenants that the caller may know of; what
is another tenant's is answered like what does not exist. Times are UTC, ISO 8601. New fields may come within v1: take no
notice of those that you do not know.`;

type Document = ReturnType<typeof createDocument>;

/** @param base path of the API at this hub */
export function documentOf(routes: readonly Route[], base: string): Document {
  const paths: ZodOpenApiPathsObject = {};
  for (const each of routes) paths[each.path] = { ...paths[each.path], [each.method]: operationOf(each) };
  return createDocument(
    {
      openapi: "3.1.1",
      info: {
        title: "Farsite hub",
        version: VERSION,
        description: INTRODUCTION,
        license: { name: "Apache-2.0", identifier: "Apache-2.0" },
      },
      servers: [{ url: base }],
      tags: [...new Set(routes.map(({ tag }) => tag))].map((name) => ({ name })),
      security: [{ token: [] }, { session: [] }],
      components: {
        securitySchemes: {
          token: {
            type: "http",
            scheme: "bearer",
            description: "An API token; it may have less than its user.",
          },
          session: {
            type: "apiKey",
            in: "cookie",
            name: "__Host-farsite",
            description:
              "Of a browser that is logged in. What changes something also needs the header `x-csrf`.",
          },
        },
      },
      paths,
    },
    {
      override: ({ jsonSchema, zodSchema, io }) => {
        // clients must not stumble over what a later release adds
        if (io === "output" && jsonSchema.additionalProperties === false)
          delete jsonSchema.additionalProperties;
        if (zodSchema._zod.def.type === "readonly") delete jsonSchema.readOnly;
        // the format says it better
        if (jsonSchema.format === "date-time") delete jsonSchema.pattern;
      },
    },
  );
}

function operationOf(each: Route): ZodOpenApiOperationObject {
  const { id, tag, summary, description, right, params, query, body, answer, status, type, paged } = each;
  const needs = right === undefined ? "" : `Needs the right \`${right}\`.`;
  const said = [description, needs].filter((text) => text !== undefined && text !== "").join(" ");
  const failures = failuresOf(each).map((status) => [
    status,
    {
      description: FAILURES[status] ?? "",
      ...(status === 429 && {
        headers: { "Retry-After": { description: "Seconds", schema: { type: "integer" as const } } },
      }),
      content: { [PROBLEM_TYPE]: { schema: problemDetails } },
    },
  ]);
  const link = { Link: { description: "The next page, RFC 8288", schema: { type: "string" as const } } };
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(said !== "" && { description: said }),
    requestParams: {
      ...(has(params) && { path: params }),
      ...(has(query) && { query }),
    },
    ...(body && { requestBody: { required: true, content: { "application/json": { schema: body } } } }),
    responses: {
      [answer ? (status ?? 200) : 204]: {
        description: answer ? "Done" : "Done; nothing to say",
        ...(paged && { headers: link }),
        ...(answer && { content: { [type ?? "application/json"]: { schema: answer } } }),
      },
      ...Object.fromEntries(failures),
    },
  };
}

/** Statuses of errors that an operation can answer with. */
function failuresOf({ params, body, fails = [] }: Route): number[] {
  const all = [400, 401, 403, 413, 429, 500, ...(has(params) ? [404] : []), ...(body ? [415] : []), ...fails];
  return [...new Set(all)].toSorted((a, b) => a - b);
}

function has(schema: Route["params"]): boolean {
  return Object.keys(schema.shape).length > 0;
}
