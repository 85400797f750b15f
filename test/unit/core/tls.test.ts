import { expect, test } from "vitest";
import { question } from "../../../agent/core/answer.ts";
import { calm, INTERVAL, icinga, manners, watchRig } from "./rig.ts";

/** A core behind stunnel: who does not begin with TLS is cut off. */
function tlsRig() {
  const rig = watchRig();
  rig.core.manner = (socket) => {
    socket.connect();
    setImmediate(() => {
      if (socket.received !== "") socket.finish();
    });
  };
  rig.core.secured = (over) => {
    setImmediate(() => {
      if (over.received.includes("nagios_pid")) over.answer(icinga());
      else over.answer("452          12\nno core_pid\n\n");
      over.finish();
    });
  };
  return rig;
}

test("a target that wants TLS gets it, and from then on at once", async () => {
  const rig = tlsRig();
  rig.watch.start();
  await calm();
  await calm();
  expect(rig.told).toMatchObject([{ state: "online", core: { pid: 4711 } }]);
  const plain = rig.sockets.filter(({ received }) => received !== "").length;
  expect(plain).toBe(1);
  const before = rig.sockets.length;
  await rig.pass(3 * INTERVAL);
  expect(rig.sockets.length).toBeGreaterThan(before + 2);
  expect(rig.sockets.filter(({ received }) => received !== "")).toHaveLength(plain);
  expect([...rig.sockets, ...rig.secured].every((socket) => socket.destroyed)).toBe(true);
  expect(rig.told).toHaveLength(1);
  rig.watch.stop();
});

test("a target that wants TLS no more is asked without it", async () => {
  const rig = tlsRig();
  rig.watch.start();
  await calm();
  await calm();
  rig.core.manner = manners.icinga(4712);
  rig.core.secured = (over) => void over.destroy(new Error("wrong version number"));
  await rig.pass(3 * INTERVAL);
  expect(rig.told.slice(1)).toMatchObject([{ state: "online", core: { pid: 4712 } }]);
  rig.watch.stop();
});

test("what understands neither is told by how it took the plain question", async () => {
  const rig = watchRig();
  rig.core.manner = manners.says("SSH-2.0-OpenSSH_9.2\r\n");
  rig.watch.start();
  await calm();
  expect(rig.secured).toHaveLength(1);
  expect(rig.told).toMatchObject([
    { state: "dead", cause: "invalid", reason: "the answer is not Livestatus" },
  ]);
  rig.watch.stop();
});

test.each([
  ["refuses", manners.fails("ECONNREFUSED")],
  ["is silent", manners.hung],
])("TLS is not tried at a target that %s", async (_, manner) => {
  const rig = watchRig();
  rig.core.manner = manner;
  rig.watch.start();
  await rig.pass(2 * INTERVAL);
  expect(rig.told).toHaveLength(1);
  expect(rig.secured).toEqual([]);
  rig.watch.stop();
});

test("over TLS the question is the same", async () => {
  const rig = tlsRig();
  rig.watch.start();
  await calm();
  await calm();
  const asked = new Set([...rig.sockets, ...rig.secured].map(({ received }) => received));
  expect([...asked].filter((text) => text.includes("nagios_pid"))).toEqual([
    question([
      "program_start",
      "nagios_pid",
      "livestatus_version",
      "program_version",
      "num_hosts",
      "num_services",
    ]),
  ]);
  rig.watch.stop();
});
