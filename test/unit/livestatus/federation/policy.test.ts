/** Queries over many sites pass each site's own gate: its policy holds for them as for any client. */
import { expect, test } from "vitest";
import { silentLog } from "../../../../common/log.ts";
import { Federation } from "../../../../hub/livestatus/federation/index.ts";
import { Dice } from "../../session/rig.ts";
import { answer, ClientSocket, newest, rig } from "../rig.ts";
import { Asked, LIMITS } from "./rig.ts";

const SITES = [
  { id: 1, tenant: "acme", name: "main" },
  { id: 2, tenant: "beta", name: "main" },
];

function federated(policies: NonNullable<Parameters<typeof rig>[0]>["policies"]) {
  const at = rig({ policies: policies ?? {} });
  const federation = new Federation({
    verdict: (site, request, client) => at.livestatus.verdict(site, request, client),
    asking: (site, client, question, events) => at.livestatus.asking(site, client, question, events),
    stateOf: () => {
      throw new Error("nobody asks for it");
    },
    limits: LIMITS,
    spoolDirectory: "/nowhere",
    clock: at.clock,
    random: new Dice(1),
    log: silentLog,
  });
  for (const site of SITES) federation.offer(site);
  const ask = (text: string) => {
    const asked = new Asked();
    const question = { bytes: [Buffer.from(`${text}\n\n`)], fixed16: false, halfClose: false, wait: 0 };
    asked.answering = federation.view(undefined).asking("192.0.2.1", question, asked.events);
    asked.answering.start();
    return asked;
  };
  /** One who is connected to the operators' endpoint. */
  const client = (address: string) => {
    const socket = new ClientSocket(address);
    federation.view(undefined).serve(socket.socket, () => {});
    return socket;
  };
  return { ...at, ask, client };
}

test("a table that one site does not open is asked of the others", async () => {
  const at = federated({ "acme/main": { tables: ["status"] } });
  const asked = at.ask("GET hosts\nColumns: name\nOutputFormat: wrapped_json");
  expect(at.streams).toHaveLength(1);
  newest(at).answers('[["a"]]');
  await asked.ended();
  expect(JSON.parse(asked.text)).toMatchObject({
    data: [["a"]],
    failed: { "acme/main": "the table hosts is not open to queries here" },
  });
  expect(at.refused).toMatchObject([
    { tenant: "acme", site: "main", client: "192.0.2.1", request: "GET hosts", by: "hub" },
  ]);
});

test("a command that one site takes another does not", async () => {
  const at = federated({ "acme/main": { commands: "none" } });
  const command = (site: string) => `COMMAND [1] STOP;secret\nBackends: ${site}/main\n\n`;
  const refused = await at.client("192.0.2.1").sends(command("acme"));
  expect([refused.ending, at.streams.length]).toEqual(["reset", 0]);
  expect(at.refused).toMatchObject([
    { tenant: "acme", site: "main", client: "192.0.2.1", request: "COMMAND STOP", by: "hub" },
  ]);
  await at.client("192.0.2.1").sends(command("beta"));
  expect(newest(at).received).toBe("COMMAND [1] STOP;secret\n\n");
});

test("a request that is too long for one site goes to the others", async () => {
  const at = federated({ "acme/main": { longestRequest: 60 } });
  const asked = at.ask(
    `GET hosts\nColumns: name\nFilter: name != ${"x".repeat(60)}\nOutputFormat: wrapped_json`,
  );
  newest(at).answers("[]");
  await asked.ended();
  expect(JSON.parse(asked.text).failed).toEqual({
    "acme/main": "the request is longer than the 60 bytes allowed",
  });
});

test("each site's answer may be as large, and take as long, as its policy says", async () => {
  const at = federated({ "acme/main": { largestAnswer: 20 }, "beta/main": { queryTimeout: 2_000 } });
  const asked = at.ask("GET hosts\nColumns: name\nOutputFormat: wrapped_json");
  const [acme] = at.streams;
  acme?.says(answer('[["a name that is long"]]'));
  at.clock.advance(2_000);
  await asked.ended();
  expect(JSON.parse(asked.text).failed).toEqual({
    "acme/main": "the answer is larger than the 20 bytes allowed",
    "beta/main": "the core did not answer within 2 s",
  });
});

test("an agent that refuses is in the audit with the federated client's address", async () => {
  const at = federated({});
  const asked = at.ask("GET log\nColumns: time\nBackends: beta/main\nOutputFormat: wrapped_json");
  newest(at).says(answer("the table log is not open to queries here\n", 403)).breaks("serviceRefused");
  await asked.ended();
  expect(at.refused).toMatchObject([
    { tenant: "beta", client: "192.0.2.1", request: "GET log", by: "agent" },
  ]);
});
