/** The document is valid OpenAPI, and says what is served: no more, no less. */

import { Validator } from "@seriousme/openapi-schema-validator";
import { expect, test } from "vitest";
import { apiRig } from "./rig.ts";

test("the document is valid OpenAPI 3.1", async () => {
  const { document } = await apiRig();
  const validator = new Validator();
  expect(await validator.validate(structuredClone(document) as never)).toEqual({ valid: true });
  expect(validator.version).toBe("3.1");
  // the check finds what is wrong
  const wrong = { ...structuredClone(document), paths: { "/x": { get: { responses: 7 } } } };
  expect(await new Validator().validate(wrong as never)).toMatchObject({ valid: false });
});

test("every route is in the document, and the other way around", async () => {
  const { app, document } = await apiRig();
  const served = app.routes
    .filter(({ method, path }) => path.startsWith("/api/v1/") && method !== "ALL")
    .map(({ method, path }) => `${method} ${path}`);
  const told = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.keys(operations).map(
      (method) => `${method.toUpperCase()} /api/v1${path.replace(/\{(\w+)\}/g, ":$1")}`,
    ),
  );
  expect(told.length).toBeGreaterThan(30);
  expect(told.toSorted()).toEqual([...new Set(served)].toSorted());
});

test("every operation has a name of its own, says what it does, and names all parameters of its path", async () => {
  const { document } = await apiRig();
  const all = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.values(operations).map((operation) => ({ path, operation })),
  );
  const ids = all.map(({ operation }) => operation.operationId);
  expect(new Set(ids).size).toBe(ids.length);
  for (const { path, operation } of all) {
    const named = (operation.parameters ?? []).filter((each) => each.in === "path").map(({ name }) => name);
    expect([path, named]).toEqual([path, [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)]);
    expect(operation).toMatchObject({ summary: expect.stringMatching(/^[A-Z]/), tags: [expect.any(String)] });
  }
});

test("it needs a login, and no page of another site gets it", async () => {
  const { ask, token } = await apiRig();
  expect((await ask("/api/v1/openapi.json")).status).toBe(401);
  const answer = await ask("/api/v1/openapi.json", {
    headers: { authorization: `Bearer ${await token("tenant-viewer")}`, origin: "https://evil.example" },
  });
  expect(answer.status).toBe(200);
  expect([...answer.headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
});
