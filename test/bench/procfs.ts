/** What the kernel tells about processes, from /proc. A process that has gone reads as nothing. */
import { readdirSync, readFileSync } from "node:fs";

function read(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

function childrenOf(pid: number): number[] {
  let tasks: string[];
  try {
    tasks = readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
  return tasks.flatMap((task) =>
    read(`/proc/${pid}/task/${task}/children`).split(" ").filter(Boolean).map(Number),
  );
}

/** The process and everything it started, directly or not. */
export function processTree(pid: number): number[] {
  return [pid, ...childrenOf(pid).flatMap(processTree)];
}

/** Whether the process runs; one that ended but was not waited for does not. */
export function isAlive(pid: number): boolean {
  return /^State:\s+[^ZX]/m.test(read(`/proc/${pid}/status`));
}

/** Whether anyone listens at this TCP port of an IPv4 address, in the network that the process is in. */
export function listensIn(pid: number, port: number): boolean {
  const hexadecimal = port.toString(16).toUpperCase().padStart(4, "0");
  // local address, remote address, state; 0A is TCP_LISTEN
  return new RegExp(`^ *\\d+: [0-9A-F]{8}:${hexadecimal} [0-9A-F:]+ 0A `, "m").test(
    read(`/proc/${pid}/net/tcp`),
  );
}

/** Bytes that a device has received and sent, in the network that the process is in. */
export function deviceBytes(pid: number, device: string): number {
  const counts = new RegExp(`^ *${device}: *(\\d+)(?: +\\d+){7} +(\\d+)`, "m").exec(
    read(`/proc/${pid}/net/dev`),
  );
  return Number(counts?.[1] ?? 0) + Number(counts?.[2] ?? 0);
}

/** Resident memory in MiB. Pages shared between processes count in each. */
export function residentMebibytes(pid: number): number {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/status`))?.[1] ?? "0";
  return Number(kibibytes) / 1024;
}

/** Ticks of a second in which the kernel counts a processor's time for programs (USER_HZ). */
const TICKS = 100;

/** Processor time of a process and its threads, in ms (proc(5), fields 14 and 15 of stat). */
export function processorMs(pid: number): number {
  const fields = read(`/proc/${pid}/stat`)
    .replace(/^.*\) /s, "")
    .split(" ");
  return ((Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * 1_000) / TICKS;
}
