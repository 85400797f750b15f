import { defineConfig } from "vitest/config";

// On Bun, an external zod arrives without its named exports; inlined it is as everywhere else.
const server = { deps: { inline: ["zod"] } };

// Most of their time these wait for programs: two at a time take little more than one.
const together = { maxWorkers: 2, sequence: { groupOrder: 1 } };

// Three suites: unit (no sockets, no real clock), integration (real sockets and real counterparts on
// this machine), e2e (whole processes, namespaces and firewalls).
export default defineConfig({
  test: {
    projects: [
      { test: { name: "unit", server, include: ["test/unit/**/*.test.ts"], sequence: { groupOrder: 0 } } },
      {
        test: {
          name: "integration",
          server,
          include: ["test/integration/**/*.test.ts"],
          ...together,
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: "e2e",
          server,
          include: ["test/e2e/**/*.test.ts"],
          ...together,
          testTimeout: 120_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});
