import { expect, test } from "vitest";
import { Refusal } from "../../../../common/livestatus/index.ts";
import { SILENT } from "../../../../hub/livestatus/federation/fan-out.ts";
import { coreSite, fixed16, Puppet, Rig, saying } from "./rig.ts";

const HOSTS = (name: string, count = 3) => ({
  hosts: Array.from({ length: count }, (_, at) => ({ name: `${name}${at}`, state: at % 2 })),
  status: [{ livestatus_version: "r2", program_version: "icinga2" }],
});
const QUERY = "GET hosts\nColumns: peer_key name";

test("a tenant's endpoint has the tenant's sites alone, the operators' has all", async () => {
  const rig = new Rig();
  for (const path of ["acme/one", "acme/two", "beta/one"]) rig.add(path, coreSite(HOSTS(path, 1)));
  expect(await rig.rows("acme", QUERY)).toEqual([
    ["one", "acme/one0"],
    ["two", "acme/two0"],
  ]);
  expect(await rig.rows("beta", QUERY)).toEqual([["one", "beta/one0"]]);
  expect(await rig.rows("none", QUERY)).toEqual([]);
  expect((await rig.rows(undefined, QUERY)).map(([key]) => key)).toEqual([
    "acme/one",
    "acme/two",
    "beta/one",
  ]);
  rig.asked.length = 0;
  for (const text of ["Backends: beta/one", "Filter: tenant = beta", "Filter: peer_key = beta/one"]) {
    await rig.rows("acme", `${QUERY}\n${text}`).catch(() => {});
  }
  expect(rig.asked.filter(({ site }) => site.startsWith("beta"))).toEqual([]);
});

test("Backends chooses sites; one that does not exist is missing", async () => {
  const rig = new Rig();
  for (const path of ["acme/one", "acme/two"]) rig.add(path, coreSite(HOSTS(path, 1)));
  const asked = rig.ask("acme", `${QUERY}\nBackends: two three\nOutputFormat: wrapped_json`);
  expect(JSON.parse(asked.text)).toEqual({
    data: [["two", "acme/two0"]],
    failed: { three: "there is no site of that name here" },
    rows_scanned: 1,
    total_count: 1,
  });
});

test("rows go out as they come, while others are waited for", () => {
  const [fast, slow] = [new Puppet(), new Puppet()];
  const rig = new Rig().add("a/fast", fast).add("a/slow", slow);
  const asked = rig.ask("a", QUERY);
  fast.answer([["x"]]);
  expect(asked.text).toBe("fast;x\n");
  expect(asked.ending).toBe("open");
  slow.answer([["y"]]);
  expect(asked.text).toBe("fast;x\nslow;y\n");
  expect(asked.ending).toBe("whole");
});

test("slow sites are given up after the time that the client has set, and named", () => {
  const [fast, slow] = [new Puppet(), new Puppet()];
  const rig = new Rig().add("a/fast", fast).add("a/slow", slow);
  const asked = rig.ask("a", `${QUERY}\nOutputFormat: wrapped_json\nTimelimit: 3`);
  fast.answer([["x"]]);
  slow.say(fixed16(200, '[["y"]]').subarray(0, 20));
  rig.clock.advance(2_999);
  expect(asked.ending).toBe("open");
  rig.clock.advance(1);
  expect(asked.ending).toBe("whole");
  expect(JSON.parse(asked.text)).toMatchObject({
    data: [["fast", "x"]],
    failed: { slow: "the site did not answer within 3 s" },
  });
  expect(slow.cancelled).toBe(1);
  expect(rig.clock.pending).toBe(0);
});

test("the sites' time does not run while they wait for the client", () => {
  const [one, two] = [new Puppet(), new Puppet()];
  const rig = new Rig().add("a/one", one).add("a/two", two);
  const asked = rig.ask("a", `${QUERY}\nOutputFormat: json`, { taking: false });
  rig.clock.advance(5_000);
  const rows = JSON.stringify(Array.from({ length: 20_000 }, (_, at) => [`some host number ${at}`]));
  one.say(fixed16(200, rows));
  one.events[0]?.whole();
  rig.clock.advance(60_000);
  expect(asked.ending).toBe("open");
  asked.take(asked.length);
  rig.clock.advance(4_999);
  expect(asked.ending).toBe("open");
  two.answer([["late"]]);
  expect(asked.ending).toBe("whole");
});

test("a client that takes nothing is given up", () => {
  const rig = new Rig().add("a/one", coreSite(HOSTS("x", 20_000)));
  const asked = rig.ask("a", QUERY, { taking: false });
  rig.ask("a", QUERY);
  rig.clock.advance(120_000);
  // all of it is out already: whoever reads it has it
  expect(asked.ending).toBe("whole");
  const puppet = new Puppet();
  const other = new Rig().add("a/one", puppet);
  const stuck = other.ask("a", QUERY, { taking: false });
  puppet.say(
    fixed16(200, JSON.stringify(HOSTS("x", 50_000).hosts.map(({ name }) => [name]))).subarray(0, 600_000),
  );
  other.clock.advance(120_000);
  expect(stuck.ending).toBeInstanceOf(Refusal);
  expect(puppet.cancelled).toBe(1);
});

test("a site may send as much as is taken, and no more while nobody takes anything", () => {
  const [one, two] = [new Puppet(), new Puppet()];
  const rig = new Rig().add("a/one", one).add("a/two", two);
  const asked = rig.ask("a", QUERY, { taking: false });
  const bytes = fixed16(
    200,
    JSON.stringify(Array.from({ length: 40_000 }, (_, at) => [`some host number ${at}`])),
  );
  for (let at = 0; at < bytes.length; at += 10_000) one.say(bytes.subarray(at, at + 10_000));
  expect(one.consumed).toBeGreaterThan(100_000);
  expect(one.consumed).toBeLessThan(400_000);
  const before = one.consumed;
  two.say(fixed16(200, '[["y"]]'));
  expect(two.consumed).toBe(0);
  asked.take(asked.length);
  expect(one.consumed).toBe(bytes.length);
  expect(before).toBeLessThan(bytes.length);
  expect(two.consumed).toBe(fixed16(200, '[["y"]]').length);
});

test("no further site is asked while the client takes nothing", () => {
  const puppets = Array.from({ length: 4 }, () => new Puppet());
  const rig = new Rig({ sites: 2 });
  for (const [at, puppet] of puppets.entries()) rig.add(`a/s${at}`, puppet);
  const asked = rig.ask("a", QUERY, { taking: false });
  const rows = Array.from({ length: 30_000 }, (_, at) => [`some host number ${at}`]);
  puppets[0]?.answer(rows);
  puppets[1]?.answer([["x"]]);
  expect(rig.asked.length).toBe(2);
  asked.take(asked.length);
  expect(rig.asked.length).toBe(4);
  puppets[2]?.answer([["y"]]);
  puppets[3]?.answer([["z"]]);
  expect(asked.ending).toBe("whole");
  expect(asked.text.trimEnd().split("\n").length).toBe(30_003);
});

test("with enough rows the other sites are not waited for, nor those asked that were not", () => {
  const [one, two] = [new Puppet(), new Puppet()];
  const rig = new Rig({ sites: 2 })
    .add("a/one", one)
    .add("a/two", two)
    .add("a/zoo", coreSite(HOSTS("x")));
  const asked = rig.ask("a", `${QUERY}\nLimit: 2\nOffset: 1`);
  one.say(fixed16(200, '[["x"],["y"],["z"],["more"]]'));
  expect(asked.text).toBe("one;y\none;z\n");
  expect(asked.ending).toBe("whole");
  expect([one.cancelled, two.cancelled]).toEqual([1, 1]);
  expect(rig.asked.map(({ site }) => site)).toEqual(["a/one", "a/two"]);
});

test("Limit: 0 asks nobody", async () => {
  const rig = new Rig().add("a/one", new Puppet());
  expect(await rig.rows("a", `${QUERY}\nLimit: 0`)).toEqual([]);
  expect(rig.asked).toEqual([]);
});

test("no more sites are asked at a time than may be; those that are silent leave their place", () => {
  const puppets = Array.from({ length: 6 }, () => new Puppet());
  const rig = new Rig({ sites: 2 });
  for (const [at, puppet] of puppets.entries()) rig.add(`a/s${at}`, puppet);
  const asked = rig.ask("a", QUERY);
  const names = () => rig.asked.map(({ site }) => site.slice(2));
  expect(names()).toEqual(["s0", "s1"]);
  puppets[0]?.answer([["x"]]);
  expect(names()).toEqual(["s0", "s1", "s2"]);
  puppets[2]?.say(fixed16(200, '[["y"]]').subarray(0, 18));
  rig.clock.advance(SILENT);
  // s1 hangs, s2 is sending
  expect(names()).toEqual(["s0", "s1", "s2", "s3"]);
  rig.clock.advance(SILENT);
  expect(names()).toEqual(["s0", "s1", "s2", "s3", "s4"]);
  for (const at of [1, 3, 4, 5]) puppets[at]?.answer([["z"]]);
  puppets[2]?.say(fixed16(200, '[["y"]]').subarray(18));
  puppets[2]?.events[0]?.whole();
  expect(asked.ending).toBe("whole");
  expect(asked.text.split("\n").filter((line) => line !== "").length).toBe(6);
});

test("sites that cannot be reached are told apart from a query that no core understands", () => {
  const down = saying("", new Refusal(502, "the site is not connected"));
  const wrong = saying(fixed16(452, "Error: no such column\n\nStacktrace:\n 0# x"));
  const ask = (sites: Record<string, ReturnType<typeof saying>>, more = "") => {
    const rig = new Rig();
    for (const [name, site] of Object.entries(sites)) rig.add(`a/${name}`, site);
    return rig.ask("a", `${QUERY}\n${more}`.trimEnd());
  };
  expect(ask({ one: down }).ending).toEqual(new Refusal(502, "the site is not connected"));
  expect(ask({ one: down, two: down }).ending).toEqual(
    new Refusal(502, "none of 2 sites has an answer; one: the site is not connected"),
  );
  expect(ask({ one: wrong, two: wrong }).ending).toEqual(new Refusal(452, "Error: no such column"));
  expect(ask({ one: wrong }, "OutputFormat: wrapped_json").ending).toEqual(
    new Refusal(452, "Error: no such column"),
  );
  expect(ask({ one: wrong, two: down }).ending).toMatchObject({ code: 502 });
  expect(ask({ one: down, two: coreSite(HOSTS("x", 1)) }).text).toBe("two;x0\n");
  expect(JSON.parse(ask({ one: down }, "OutputFormat: wrapped_json").text)).toMatchObject({
    data: [],
    failed: { one: "the site is not connected" },
  });
});

test("a site's policy is asked for each query, and its refusal is that site's answer", () => {
  const rig = new Rig().add("a/one", coreSite(HOSTS("x", 1))).add("a/two", coreSite(HOSTS("y", 1)));
  rig.verdict = (site) => (site.name === "one" ? new Refusal(403, "the table hosts is not open") : undefined);
  const asked = rig.ask("a", `${QUERY}\nOutputFormat: wrapped_json`);
  expect(JSON.parse(asked.text)).toMatchObject({
    data: [["two", "y0"]],
    failed: { one: "the table hosts is not open" },
  });
  expect(rig.asked.map(({ site }) => site)).toEqual(["a/two"]);
});

test.each([
  ["junk", saying("HTTP/1.1 400 Bad Request\r\n\r\n"), "no head of the form fixed16"],
  ["no JSON", saying(fixed16(200, "a;b\nc;d\n")), "not a list of rows"],
  ["too few cells", saying(fixed16(200, "[[]]")), "a row has 0 cells, not 1"],
  ["too many cells", saying(fixed16(200, '[["a","b"]]')), "a row has 2 cells, not 1"],
  ["a row too deep", saying(fixed16(200, `[[${"[".repeat(100)}`)), "nested too deeply"],
  ["no end", saying(fixed16(200, '[["x"]')), "it has no end"],
  ["half an answer", saying(fixed16(200, '[["x"]]').subarray(0, 19), "cut"), "the core broke off its answer"],
  ["nothing", saying("", "cut"), "the core broke off its answer"],
])("a site that says %s fails alone", (_, site, reason) => {
  const rig = new Rig().add("a/bad", site).add("a/good", coreSite(HOSTS("x", 1)));
  const asked = rig.ask("a", `${QUERY}\nOutputFormat: wrapped_json`);
  expect(asked.ending).toBe("whole");
  const answer = JSON.parse(asked.text) as { data: unknown[]; failed: Record<string, string> };
  expect(answer.data).toContainEqual(["good", "x0"]);
  expect(answer.failed.bad).toContain(reason);
});

test("half of a site's statistics count for nothing", async () => {
  const half = fixed16(200, '[["web",5,5],["db",7,7]]');
  const rig = new Rig()
    .add("a/half", saying(half.subarray(0, 30), "cut"))
    .add("a/text", saying(fixed16(200, '[["web",1,1],["web","x",1]]')))
    .add("a/minus", saying(fixed16(200, '[["web",1,-1]]')))
    .add("a/good", saying(fixed16(200, '[["web",1,1]]')));
  const asked = rig.ask("a", "GET hosts\nColumns: name\nStats: sum state\nOutputFormat: wrapped_json");
  const answer = JSON.parse(asked.text) as { data: unknown[]; failed: object };
  expect(answer.data).toEqual([["web", 1]]);
  expect(Object.keys(answer.failed)).toEqual(["half", "minus", "text"]);
});

test("endless rows are given up at the memory's limit when they must be sorted, and stream otherwise", () => {
  const endless = (puppet: Puppet, stop: () => boolean) => {
    puppet.say("200  9999999999\n[");
    const rows = `${Array.from({ length: 1_000 }, (_, at) => `["some host ${at}"]`).join(",")},`;
    let sent = 0;
    for (; sent < 6 << 20 && !stop(); sent += rows.length) puppet.say(rows);
    return sent;
  };
  const puppet = new Puppet();
  const rig = new Rig({ memory: 1 << 20 }).add("a/one", puppet);
  const sorted = rig.ask("a", `${QUERY}\nSort: name`);
  expect(endless(puppet, () => sorted.ending !== "open")).toBeLessThan(4 << 20);
  expect(sorted.ending).toMatchObject({ code: 413 });
  const limited = rig.ask("a", `${QUERY}\nSort: name\nLimit: 5`);
  endless(puppet, () => limited.ending !== "open");
  expect(limited.ending).toBe("open");
  limited.answering?.cancel();
  const streamed = rig.ask("a", QUERY);
  endless(puppet, () => streamed.ending !== "open");
  expect(streamed.ending).toBe("open");
});

test("a fixed16 answer tells its length, in memory or from a file", async () => {
  for (const count of [0, 3, 200_000]) {
    const rig = new Rig().add("a/one", coreSite(HOSTS("some host of this site ", count), "icinga", 50_000));
    const asked = rig.ask("a", `${QUERY}\nResponseHeader: fixed16\nOutputFormat: json`);
    await asked.ended();
    expect(asked.ending).toBe("whole");
    expect((JSON.parse(asked.body) as unknown[]).length).toBe(count);
  }
});

test("a fixed16 answer that is too large is an error instead, and nothing else has gone out", () => {
  const rig = new Rig({ largestAnswer: 100_000 }).add(
    "a/one",
    coreSite(HOSTS("some host of this site ", 10_000)),
  );
  const asked = rig.ask("a", `${QUERY}\nResponseHeader: fixed16`);
  expect(asked.ending).toMatchObject({ code: 413 });
  expect(asked.length).toBe(0);
});

test("a client that goes takes the questions to the sites with it, and gives its turn and memory back", () => {
  const puppet = new Puppet();
  const rig = new Rig({ queries: 1, memory: 1 << 20 }).add("a/one", puppet);
  for (let round = 0; round < 5; round++) {
    const asked = rig.ask("a", `${QUERY}\nSort: name`);
    puppet.say("200  9999999999\n[");
    puppet.say(`["${"x".repeat(500_000)}"],["`);
    asked.answering?.cancel();
    expect(puppet.cancelled).toBe(round + 1);
  }
  expect(rig.clock.pending).toBe(0);
});

test("too many queries at a time wait for their turn, and not for ever", () => {
  const puppet = new Puppet();
  const rig = new Rig({ queries: 1 }).add("a/one", puppet);
  const [first, second] = [rig.ask("a", QUERY), rig.ask("a", QUERY)];
  expect(puppet.events.length).toBe(1);
  puppet.answer([["x"]]);
  expect([first.ending, second.ending, puppet.events.length]).toEqual(["whole", "open", 2]);
  const third = rig.ask("a", QUERY);
  rig.clock.advance(3_000);
  expect(third.ending).toEqual(new Refusal(502, "the hub answers too many queries; try again"));
});

test("a COMMAND goes to the one site that it names, as the core knows it", async () => {
  const [one, two] = [new Puppet(), new Puppet()];
  const rig = new Rig().add("a/one", one).add("a/two", two);
  const asked = rig.ask("a", "COMMAND [1700000000] X;y\nBackends: two");
  expect(rig.asked).toEqual([{ site: "a/two", text: "COMMAND [1700000000] X;y\n\n" }]);
  two.events[0]?.whole();
  expect(asked.ending).toBe("whole");
  expect(one.events).toEqual([]);
});

test.each([
  ["COMMAND [1] X;y", "must name one site"],
  ["COMMAND [1] X;y\nBackends: one two", "must name one site"],
  ["COMMAND [1] X;y\nBackends: three", "no site of that name"],
  ["GET hosts\nWaitTrigger: all\nWaitTimeout: 100", "only one site can be waited for"],
  ["GET hosts\nNonsense: 1", "undefined request header"],
])("%j is refused before any site is asked", (text, reason) => {
  const rig = new Rig().add("a/one", new Puppet()).add("a/two", new Puppet());
  const lines = text.split("\n");
  const [method = "", ...target] = (lines[0] ?? "").split(" ");
  const headers = lines.slice(1).map((line) => {
    const [name = "", value = ""] = line.split(": ");
    return { name, value, line: `${line}\n` };
  });
  const request = {
    method: method as "GET",
    target: target.join(" "),
    first: `${lines[0]}\n`,
    headers,
    ended: "line" as const,
  };
  expect(rig.federation.view("a").verdict(request, "test")?.message).toContain(reason);
  expect(rig.asked).toEqual([]);
});

test("one site can be waited for", async () => {
  const rig = new Rig().add("a/one", coreSite(HOSTS("x", 1))).add("a/two", new Puppet());
  expect(await rig.rows("a", `${QUERY}\nBackends: one\nWaitTrigger: check\nWaitTimeout: 100`)).toEqual([
    ["one", "x0"],
  ]);
  expect(rig.asked[0]?.text).toContain("WaitTrigger: check\nWaitTimeout: 100\n");
});

test("without Columns the first site names them; others are fitted to that", async () => {
  const rig = new Rig()
    .add("a/one", coreSite({ hosts: [{ name: "x", state: 1, old: 5 }] }))
    .add("a/two", coreSite({ hosts: [{ state: 0, fresh: 7, name: "y" }] }))
    .add("a/zoo", saying(fixed16(200, "[]")));
  expect(await rig.rows("a", "GET hosts")).toEqual([
    ["name", "state", "old"],
    ["x", 1, 5],
    ["y", 0, null],
  ]);
});

test("the table sites says how each site is", async () => {
  const rig = new Rig()
    .add("acme/one", new Puppet())
    .add("acme/two", new Puppet())
    .add("beta/one", new Puppet());
  rig.states.set("acme/two", { up: false, state: "unreach", reason: "it is gone" });
  rig.states.set("beta/one", { up: false, pending: true, state: "waiting" });
  const columns =
    "Columns: peer_key key name tenant site status state last_error last_online response_time no_such_column";
  expect(await rig.rows(undefined, `GET sites\n${columns}`)).toEqual([
    ["acme/one", "acme/one", "acme/one", "acme", "one", 0, "online", "", 2_000, 0.02, null],
    ["acme/two", "acme/two", "acme/two", "acme", "two", 2, "unreach", "it is gone", 2_000, 0.02, null],
    ["beta/one", "beta/one", "beta/one", "beta", "one", 4, "waiting", "", 2_000, 0.02, null],
  ]);
  expect(await rig.rows("acme", "GET backends\nColumns: key\nFilter: status != 0")).toEqual([["two"]]);
  expect(
    await rig.rows(
      undefined,
      "GET sites\nColumns: tenant\nStats: status = 0\nStats: avg status\nStats: max status\nSort: tenant desc",
    ),
  ).toEqual([
    ["beta", 0, 4, 4],
    ["acme", 1, 1, 2],
  ]);
  expect(rig.asked).toEqual([]);
});

test("cores are asked once what they are, when deviations depend on it", async () => {
  const rig = new Rig().add("a/one", coreSite(HOSTS("x", 4))).add("a/two", coreSite(HOSTS("y", 4)));
  const query = "GET hosts\nStats: std state";
  const [[first]] = (await rig.rows("a", query)) as [[number]];
  await rig.rows("a", query);
  expect(first).toBeCloseTo(Math.sqrt(2 / 7), 12);
  expect(rig.asked.filter(({ text }) => text.startsWith("GET status")).length).toBe(2);
});

test("statistics that are texts do not merge, but one site's are as it says", async () => {
  const perfdata = saying(fixed16(200, '[["load1=3.000000",5]]'));
  const query = "GET services\nStats: sum perf_data";
  expect(await new Rig().add("a/one", perfdata).rows("a", query)).toEqual([["load1=3.000000"]]);
  const rig = new Rig().add("a/one", perfdata).add("a/two", perfdata);
  expect(await rig.rows("a", `${query}\nBackends: two`)).toEqual([["load1=3.000000"]]);
  await expect(rig.rows("a", query)).rejects.toMatchObject({
    code: 502,
    message: expect.stringContaining("cannot be merged"),
  });
});

test("equal values deviate by nothing, whatever a core's rounding makes of it", async () => {
  const rig = new Rig().add("a/one", coreSite({ ...HOSTS("x"), hosts: [{ name: "x", state: 1 }] }));
  const status = fixed16(200, '[["r2","icinga2"]]');
  const site = (cells: string) => ({
    ask: (question: { bytes: Buffer[] }, events: { data(chunk: Buffer): void; whole(): void }) => {
      events.data(String(question.bytes[0]).startsWith("GET status") ? status : fixed16(200, cells));
      events.whole();
      return undefined;
    },
  });
  const alone = new Rig().add("a/one", site("[[null,12,4]]"));
  expect(await alone.rows("a", "GET hosts\nStats: std state")).toEqual([[0]]);
  const single = new Rig().add("a/one", site("[[null,12,1]]"));
  expect(await single.rows("a", "GET hosts\nStats: std state")).toEqual([[null]]);
  expect(await rig.rows("a", "GET hosts\nStats: std state\nStats: sum state")).toEqual([[null, 1]]);
});
