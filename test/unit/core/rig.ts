/** A watch over a core that the test plays. */
import { CoreWatch } from "../../../agent/core/index.ts";
import type { Target } from "../../../agent/service/index.ts";
import { FakeClock } from "../../../common/clock.ts";
import type { CoreReport } from "../../../common/core.ts";
import { MemoryLog } from "../../../common/log.ts";
import { systemRandom } from "../../../common/random.ts";
import { FakeSocket } from "../service/socket.ts";
import { settle } from "../session/rig.ts";

export const INTERVAL = 5_000;
export const TIMEOUT = 2_000;

/** An error as connect(2) gives it. */
export function errno(code: string, message = code): Error {
  return Object.assign(new Error(message), { code });
}

export function fixed16(code: number, body: string): string {
  return `${code} ${String(Buffer.byteLength(body)).padStart(11)}\n${body}`;
}

/** The answer of Icinga 2 to the columns that it knows. */
export function icinga(pid = 4711, started = 1_790_000_000): string {
  return fixed16(200, JSON.stringify([[started, pid, "r2.13.6-1", "r2.13.6-1-icinga2", 3, 6]]));
}

export const UNKNOWN_COLUMN = fixed16(452, "Error: Column 'core_pid' does not exist in table 'status'.\n");

/** What the core does with a connection. */
export type Manner = (socket: FakeSocket) => void;

export const manners = {
  /** Answers as Icinga 2 does, which has no core_pid. */
  icinga:
    (pid?: number, started?: number): Manner =>
    (socket) => {
      const answer = () => {
        const asked = socket.received;
        socket.answer(asked.includes("core_pid") ? UNKNOWN_COLUMN : icinga(pid, started));
        socket.finish();
      };
      socket.connect();
      setImmediate(answer);
    },
  says:
    (text: string): Manner =>
    (socket) => {
      socket.connect();
      socket.answer(text);
      socket.finish();
    },
  /** Takes the connection, and no more. */
  hung: (socket: FakeSocket) => socket.connect(),
  /** Not even that. */
  silent: () => {},
  fails:
    (code: string): Manner =>
    (socket) =>
      void socket.destroy(errno(code)),
} as const;

export interface WatchRig {
  clock: FakeClock;
  log: MemoryLog;
  watch: CoreWatch;
  /** What the core does from now on. */
  core: {
    manner: Manner;
    /** What it does with a connection on which TLS was put. */
    secured: (over: FakeSocket, plain: FakeSocket) => void;
    received: number;
    listening: boolean;
  };
  sockets: FakeSocket[];
  /** Connections on which TLS was put. */
  secured: FakeSocket[];
  /** When it asked, ms of the clock. */
  asked: number[];
  /** What was told, in order. */
  told: CoreReport[];
  /** Lets time pass, and all that follows happen. */
  pass(ms: number): Promise<void>;
}

export function watchRig(change: { unit?: () => number; target?: Target } = {}): WatchRig {
  const clock = new FakeClock();
  const log = new MemoryLog();
  const core: WatchRig["core"] = {
    manner: manners.icinga(),
    secured: (over) => void over.destroy(errno("ECONNRESET")),
    received: 0,
    listening: false,
  };
  const [sockets, secured, asked, told]: [FakeSocket[], FakeSocket[], number[], CoreReport[]] = [
    [],
    [],
    [],
    [],
  ];
  const watch: CoreWatch = new CoreWatch({
    service: "livestatus",
    target: change.target ?? { path: "/run/live" },
    dial: () => {
      const made = new FakeSocket();
      sockets.push(made);
      asked.push(clock.now());
      setImmediate(() => core.manner(made));
      return made.socket;
    },
    secure: (socket) => {
      const over = new FakeSocket();
      secured.push(over);
      setImmediate(() => core.secured(over, socket as unknown as FakeSocket));
      return over.socket;
    },
    listening: () => core.listening,
    received: () => core.received,
    clock,
    random: { bytes: systemRandom.bytes, unit: change.unit ?? (() => 0) },
    log,
    interval: INTERVAL,
    timeout: TIMEOUT,
    changed: () => void told.push(watch.report as CoreReport),
  });
  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= 100) {
      clock.advance(Math.min(100, left));
      await calm();
    }
  };
  return { clock, log, watch, core, sockets, secured, asked, told, pass };
}

/** Lets a question and its answer be over, as far as that needs no time. */
export async function calm(): Promise<void> {
  for (let i = 0; i < 12; i++) await settle();
}
