import { expect, test } from "vitest";
import { parseConfig } from "../../../common/config/index.ts";
import { type HubConfig, hubConfig, policyFor, rulesForNobody } from "../../../hub/config/index.ts";

function config(text: string): HubConfig {
  return parseConfig("hub.toml", `url = "wss://hub.example"\n${text}`, hubConfig);
}

const MAIN = { tenant: "acme", name: "main" };
const DEFAULTS = {
  commands: "all",
  tables: "all",
  longest_request_mib: 4,
  largest_answer_mib: 128,
  query_timeout_seconds: 120,
};

test("without a rule a site has what holds for all, and nothing but a policy", () => {
  expect(policyFor(config(""), MAIN)).toEqual(DEFAULTS);
  expect(policyFor(config("[livestatus]\nchannels = 2\nrequests_per_second = 5"), MAIN)).toEqual({
    ...DEFAULTS,
    requests_per_second: 5,
  });
});

test("a site's rule goes before its tenant's, and that before what holds for all: key by key", () => {
  const rules = config(`
    [livestatus]
    commands = "none"
    query_timeout_seconds = 60
    [policy.acme]
    commands = ["ADD_*"]
    tables = ["status"]
    requests_per_second = 1
    [policy."acme/main"]
    commands = ["DEL_*"]
    requests_per_second = 100
    largest_answer_mib = 1`);
  expect(policyFor(rules, MAIN)).toEqual({
    commands: ["DEL_*"],
    tables: ["status"],
    longest_request_mib: 4,
    largest_answer_mib: 1,
    query_timeout_seconds: 60,
    requests_per_second: 100,
  });
  expect(policyFor(rules, { tenant: "acme", name: "other" })).toMatchObject({
    commands: ["ADD_*"],
    tables: ["status"],
    requests_per_second: 1,
  });
  expect(policyFor(rules, { tenant: "beta", name: "main" })).toEqual({
    ...DEFAULTS,
    commands: "none",
    query_timeout_seconds: 60,
  });
});

test("a site may be allowed more than its tenant", () => {
  const rules = config(`policy.acme.commands = "none"\npolicy."acme/main".commands = "all"`);
  expect(policyFor(rules, MAIN).commands).toBe("all");
  expect(policyFor(rules, { ...MAIN, name: "other" }).commands).toBe("none");
});

test("a name that every object has is a tenant like any other", () => {
  expect(policyFor(config(""), { tenant: "constructor", name: "main" })).toEqual(DEFAULTS);
});

test("rules for what does not exist are found by their names", () => {
  const rules = config(`policy = { acme = {}, "acme/main" = {}, "acme/gone" = {}, beta = {} }`);
  expect(rulesForNobody(rules, [{ name: "acme" }], [MAIN])).toEqual(["acme/gone", "beta"]);
});
