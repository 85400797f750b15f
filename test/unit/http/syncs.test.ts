/** Configuration syncs, as they pass: recognised, remembered, logged, and nothing secret of them. */
import { expect, test } from "vitest";
import { syncCallOf } from "../../../hub/http/sync.ts";
import { answer, request, rig, SITE } from "./rig.ts";

const URL = "/main/check_mk/automation.py";

test.each([
  ["POST", `${URL}?command=get-config-sync-state`, "state", "get-config-sync-state"],
  ["POST", `${URL}?debug=&secret=S3cret&command=receive-config-sync`, "receive", "receive-config-sync"],
  ["POST", `${URL}?command=push-snapshot&siteid=main`, "receive", "push-snapshot"],
  ["POST", `${URL}?command=activate%2Dchanges`, "activate", "activate-changes"],
  [
    "POST",
    "/main/check_mk/api/1.0/domain-types/activation_run/actions/activate-changes/invoke",
    "activate",
    "activate-changes",
  ],
])("%s %s is %s", (method, target, kind, command) => {
  expect(syncCallOf(method, target)).toEqual({ kind, command });
});

test.each([
  ["GET", `${URL}?command=activate-changes`],
  ["POST", `${URL}?command=ping`],
  ["POST", `${URL}?x=activate-changes`],
  ["POST", URL],
  ["POST", "/main/check_mk/view.py?command=activate-changes"],
  ["POST", "/check_mk/automation.py?command=activate-changes"],
  ["POST", "/a/b/check_mk/automation.py?command=activate-changes"],
  ["POST", "/main/check_mk/automation.py?command=%"],
])("%s %s is none", (method, target) => {
  expect(syncCallOf(method, target)).toBeUndefined();
});

const receive = (body: string) =>
  `${request(`POST ${URL}?command=receive-config-sync&secret=S3cret`, `Content-Length: ${body.length}`)}${body}`;

test("a sync is remembered with its size, duration and result, and logged", async () => {
  const { client, newest, clock, syncs, log } = rig();
  const central = await client().sends(receive("secret=S3cret&x=1"));
  clock.advance(1_500);
  await newest().says(answer("True"));
  expect(central.received).toMatch(/True$/);
  const sync = {
    kind: "receive",
    command: "receive-config-sync",
    seconds: 1.5,
    sent: 17,
    received: 4,
    status: 200,
  };
  expect(syncs.of(SITE.id)).toEqual([{ ...sync, time: "2026-01-01T00:00:00.000Z", ok: true }]);
  expect(log.lines).toEqual([
    { level: "info", message: "config sync", fields: { site: "acme/main", ...sync } },
  ]);
  expect(JSON.stringify([log.lines, syncs.of(SITE.id)])).not.toContain("S3cret");
});

test("the size of a body in chunks is that of its data, and its answer is read too", async () => {
  const { client, newest, syncs } = rig();
  const head = request(`POST ${URL}?command=receive-config-sync`, "Transfer-Encoding: chunked");
  await client().sends(`${head}5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n`);
  await newest().says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nTr\r\n2\r\nue\r\n0\r\n\r\n");
  expect(syncs.of(SITE.id)).toMatchObject([{ sent: 10, received: 4, ok: true }]);
});

test.each<[string, string, object]>([
  [
    "says what is wrong",
    answer("The configuration was changed.\nmore"),
    { status: 200, reason: "The configuration was changed." },
  ],
  ["answers with a page", answer("<html>Internal error", "500 Oops"), { status: 500, reason: "status 500" }],
  [
    "answers with text",
    answer("Site ID mismatch.\x1b[31m", "400 Bad"),
    { status: 400, reason: "Site ID mismatch.?[31m" },
  ],
  [
    "sends it elsewhere",
    answer("", "302 Found", "Location: login.py"),
    { status: 302, reason: "status 302" },
  ],
])("a site that %s has not done it", async (_, said, wanted) => {
  const { client, newest, syncs, log } = rig();
  await client().sends(receive("x"));
  await newest().says(said);
  expect(syncs.of(SITE.id)).toMatchObject([{ ok: false, ...wanted }]);
  expect(log.lines).toMatchObject([{ level: "warning", message: "config sync failed" }]);
});

test("what the site packs is taken by its status", async () => {
  const { client, newest, syncs } = rig();
  await client().sends(receive("x"));
  await newest().says(answer("\x1f\x01", "200 OK", "Content-Encoding: gzip"));
  expect(syncs.of(SITE.id)).toMatchObject([{ ok: true, status: 200 }]);
});

test("one that gets no answer is remembered with why", async () => {
  const { client, newest, syncs, facts } = rig();
  const central = await client().sends(receive("x"));
  await central.leaves();
  await client().sends(receive("x"));
  await newest().breaks("sessionLost");
  facts.unreachable = "the site is not connected";
  await client().sends(receive("x"));
  expect(syncs.of(SITE.id).map(({ ok, reason }) => [ok, reason])).toEqual([
    [false, "the client went away"],
    [false, "the connection to the site was lost"],
    [false, "the site is not connected"],
  ]);
});

test("the last ones are kept, until the site is removed", async () => {
  const { client, newest, syncs } = rig();
  const central = client();
  for (const n of [1, 2, 3, 4]) {
    await central.sends(receive("x".repeat(n)));
    await newest().says(answer("True"));
  }
  expect(syncs.of(SITE.id).map(({ sent }) => sent)).toEqual([2, 3, 4]);
  syncs.forget(SITE);
  expect(syncs.of(SITE.id)).toEqual([]);
});

test("questions for the state fill no log", async () => {
  const { client, newest, syncs, log } = rig();
  await client().sends(`${request(`POST ${URL}?command=get-config-sync-state`, "Content-Length: 1")}x`);
  await newest().says(answer("({}, 1)"));
  expect([syncs.of(SITE.id), log.lines]).toMatchObject([[{ kind: "state", ok: true }], [{ level: "debug" }]]);
});
