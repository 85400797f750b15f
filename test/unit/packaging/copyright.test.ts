import { expect, test } from "vitest";
import { packagesOf } from "../../../packaging/compile.ts";
import { copyrightFile } from "../../../packaging/copyright.ts";

test("the packages of a bundle are found once each, scoped and nested ones too", () => {
  expect(
    packagesOf([
      "agent/main.ts",
      "node_modules/zod/v4/index.js",
      "node_modules/zod/v4/core.js",
      "node_modules/@logtape/logtape/dist/mod.js",
      "node_modules/a/node_modules/b/index.js",
    ]),
  ).toEqual(["node_modules/@logtape/logtape", "node_modules/a/node_modules/b", "node_modules/zod"]);
});

test("each bundled package stands there with version and licence; the Apache licence is named, not repeated", () => {
  const text = copyrightFile(["node_modules/zod", "node_modules/systemd-notify", "node_modules/typescript"]);
  expect(text).toMatch(/^zod \d[\d.]+, MIT$/m);
  expect(text).toMatch(/^systemd-notify 1\.0\.0\n\n\S/m);
  expect(text).toContain("JavaScriptCore, WebKit     LGPL-2");
  expect(text).not.toContain("TERMS AND CONDITIONS FOR USE, REPRODUCTION");
  expect(text).toContain("Apache License 2.0, as above.");
});
