import { expect, test } from "vitest";
import { notificationsConfig } from "../../../hub/inbox/notify/index.ts";

test("sinks of every kind, with their defaults", () => {
  const { sinks, host_prefix } = notificationsConfig.parse({
    sinks: {
      central: { kind: "spool", folder: "/spool" },
      raw: { kind: "command", command: ["cmk", "--notify", "spoolfile", "{file}"] },
      tickets: { kind: "webhook", url: "https://tickets.example.com/hook", tenants: ["acme"] },
    },
  });
  expect(sinks).toMatchObject({
    raw: { timeout_seconds: 60, parallel: 4 },
    tickets: { timeout_seconds: 10, parallel: 4, tenants: ["acme"] },
  });
  expect(host_prefix).toEqual({});
});

test.each([
  ["a folder that is not absolute", { kind: "spool", folder: "spool" }],
  ["a command as one word", { kind: "command", command: "cmk {file}" }],
  ["a command that gets no file", { kind: "command", command: ["cmk", "--notify"] }],
  ["a file as the program", { kind: "command", command: ["{file}"] }],
  ["no command", { kind: "command", command: [] }],
  ["a URL of another kind", { kind: "webhook", url: "file:///etc/passwd" }],
  ["a header without its secret", { kind: "webhook", url: "https://h/", header: "Authorization" }],
  ["a secret without its header", { kind: "webhook", url: "https://h/", secret_file: "/secret" }],
  ["a header that is no name", { kind: "webhook", url: "https://h/", header: "A: b", secret_file: "/s" }],
  ["authorities without TLS", { kind: "webhook", url: "http://h/", ca_file: "/authority.pem" }],
  ["authorities by a relative path", { kind: "webhook", url: "https://h/", ca_file: "authority.pem" }],
  ["no tenant at all", { kind: "spool", folder: "/spool", tenants: [] }],
  ["an unknown kind", { kind: "mail" }],
  ["an unknown key", { kind: "spool", folder: "/spool", mode: "0644" }],
])("%s is refused", (_, sink) => {
  expect(notificationsConfig.safeParse({ sinks: { one: sink } }).success).toBe(false);
});
