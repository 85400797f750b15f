import { afterAll, describe, expect, test } from "vitest";
import { FarsiteLab, until } from "../../lab/farsite.ts";
import { makeAuthority } from "../certificates.ts";
import { findFakeTime } from "../faketime.ts";
import { expectNoTrace, expectRefusal } from "../refusal.ts";

const lab = new FarsiteLab();
afterAll(() => lab.end());
const fakeTime = await findFakeTime();

describe.skipIf(fakeTime === undefined)("the clock of an agent's host", () => {
  const off = (hours: number) => fakeTime?.off(hours) ?? {};

  test.each([
    ["a day behind", -24, "24 hours behind"],
    ["a day ahead", 24, "24 hours ahead of"],
    ["half an hour behind", -0.5, "30 minutes behind"],
  ])("%s: it cannot enrol, and the token is not used", async (_, hours, says) => {
    const hub = await lab.startHub();
    const { token } = await hub.addSite("acme/main");
    const agent = lab.makeAgent();
    const finished = await agent.enroll(token, { env: off(hours) });
    expectRefusal(finished, "E_CLOCK", `this host's clock is ${says} the hub's`, "timedatectl", "not used");
    expect((await hub.site("acme/main")).enrolled).toBe(false);
    expectRefusal(await agent.call(["run"]), "E_NOT_ENROLLED");
    await agent.ok("enroll", token);
    await hub.stop();
  });

  test.each([-24, 24])(
    "off by %i hours: an enrolled agent connects, and both sides say it",
    async (hours) => {
      const hub = await lab.startHub();
      const { token } = await hub.addSite("acme/main");
      const agent = lab.makeAgent();
      await agent.ok("enroll", token);
      await agent.start({ env: off(hours) });
      await hub.reaches("acme/main", "connected");
      const expected = hours * 3_600_000;
      const skews = [(await agent.status()).clockSkew, (await hub.site("acme/main")).agent?.clockSkew];
      for (const skew of skews) expect(Math.abs((skew ?? 0) - expected)).toBeLessThan(60_000);
      await until("the warning", () => /this host's clock and the hub's differ/.test(agent.process.output));
      expectNoTrace(agent.process.output);
      await Promise.all([agent.stop(), hub.stop()]);
    },
  );

  test("behind a certificate's first day: TLS fails, and the message names the time", async () => {
    const authority = await makeAuthority(lab.folder);
    const files = await authority.issue("young", { from: -0.1 });
    const hub = await lab.startHub({ listen: { tls: "files", ...files } });
    const { token } = await hub.addSite("acme/main");
    const agent = lab.makeAgent({ ca_file: authority.file });
    const finished = await agent.enroll(token, { env: off(-24) });
    const yesterday = new Date(Date.now() - 86_400_000).toISOString().slice(0, 11);
    expectRefusal(finished, "E_TLS_UNTRUSTED", `is not valid at ${yesterday}`, "set this host's clock");
    await agent.ok("enroll", token);
    await hub.stop();
  });
});
