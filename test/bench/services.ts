/** Rows as a monitoring core gives them for its services, so that a tunnel carries what it will carry. */

const HOSTS = 300;

export const SERVICE_COLUMNS = [
  "host_name",
  "description",
  "state",
  "plugin_output",
  "perf_data",
  "last_check",
  "last_state_change",
  "current_attempt",
  "max_check_attempts",
  "acknowledged",
  "scheduled_downtime_depth",
  "check_command",
] as const;

type Reading = { output: string; perfData: string };
type Check = { description: string; command: string; read(random: () => number): Reading };

const STATES = ["OK", "WARN", "CRIT"] as const;

function check(description: string, command: string, read: Check["read"]): Check {
  return { description, command, read };
}

function filesystem(mount: string, size: number): Check {
  return check(`Filesystem ${mount}`, "check_mk-df", (random) => {
    const used = random() * size;
    return {
      output: `Used: ${((100 * used) / size).toFixed(2)}% - ${used.toFixed(2)} GiB of ${size} GiB, trend per 1 day: +${(random() * 50).toFixed(2)} MiB`,
      perfData: `fs_used=${(used * 1024).toFixed(3)};${size * 819};${size * 921};0;${size * 1024} fs_free=${((size - used) * 1024).toFixed(3)};;;0;`,
    };
  });
}

const CHECKS: readonly Check[] = [
  check("CPU load", "check_mk-cpu_loads", (random) => {
    const [one, five, fifteen] = [random() * 4, random() * 4, random() * 4].map((n) => n.toFixed(2));
    return {
      output: `15 min load: ${fifteen}, 15 min load per core: ${fifteen} (2 cores)`,
      perfData: `load1=${one};;;0;2 load5=${five};;;0;2 load15=${fifteen};10;20;0;2`,
    };
  }),
  check("CPU utilization", "check_mk-kernel_util", (random) => {
    const [user, system, wait] = [random() * 40, random() * 20, random() * 5].map((n) => n.toFixed(2));
    return {
      output: `User: ${user}%, System: ${system}%, Wait: ${wait}%, Total CPU: ${(random() * 70).toFixed(2)}%`,
      perfData: `user=${user};;;; system=${system};;;; wait=${wait};;;;`,
    };
  }),
  check("Memory", "check_mk-mem_linux", (random) => {
    const used = Math.floor(random() * 8589934592);
    return {
      output: `Total virtual memory: ${(used / 85899345.92).toFixed(2)}% - ${(used / 1073741824).toFixed(2)} GiB of 8.00 GiB, Committed: 24.51%`,
      perfData: `mem_used=${used};6871947674;7730941133;0;8589934592 mem_used_percent=${(used / 85899345.92).toFixed(4)};80;90;0;100 swap_used=0;;;0;2147479552`,
    };
  }),
  filesystem("/", 40),
  filesystem("/var", 120),
  check("Interface 2", "check_mk-if64", (random) => {
    const [into, out] = [Math.floor(random() * 125e6), Math.floor(random() * 125e6)];
    return {
      output: `[eth0], (up), MAC: 52:54:00:12:34:56, Speed: 1 GBit/s, In: ${(into / 1e6).toFixed(2)} MB/s (${(into / 1.25e6).toFixed(2)}%), Out: ${(out / 1e6).toFixed(2)} MB/s`,
      perfData: `in=${into};;;0;125000000 out=${out};;;0;125000000`,
    };
  }),
  check("Check_MK", "check-mk", (random) => {
    const seconds = random().toFixed(3);
    return {
      output: `[agent] Version: 2.3.0p12, OS: linux, Success, execution time ${seconds} sec`,
      perfData: `execution_time=${seconds} user_time=0.030 system_time=0.010 children_user_time=0.000 children_system_time=0.000 cmk_time_agent=${seconds}`,
    };
  }),
  check("NTP Time", "check_mk-chrony", (random) => {
    const offset = (random() * 2 - 1).toFixed(4);
    return {
      output: `Offset: ${offset} ms, Stratum: 3, Time since last sync: ${Math.floor(random() * 900)} seconds, Reference ID: 0A000001`,
      perfData: `offset=${offset};200;500;; last_sync_receive_time=${Math.floor(random() * 900)};3600;7200;;`,
    };
  }),
  check("TCP Connections", "check_mk-tcp_conn_stats", (random) => {
    const open = Math.floor(random() * 900);
    return {
      output: `Established: ${open}, Listening: 31, Time wait: 12, Close wait: 0, Syn sent: 1`,
      perfData: `ESTABLISHED=${open};;;; LISTEN=31;;;; TIME_WAIT=12;;;; CLOSE_WAIT=0;;;; SYN_SENT=1;;;; FIN_WAIT1=0;;;;`,
    };
  }),
  check("Uptime", "check_mk-uptime", (random) => {
    const days = Math.floor(random() * 400);
    return {
      output: `Up since 2025-03-04 05:06:07, Uptime: ${days} days 3 hours 0 minutes`,
      perfData: `uptime=${days * 86400 + 10800}.42;;;;`,
    };
  }),
];

/** Numbers from 0 to 1, the same ones every time (mulberry32, public domain). */
function repeatable(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/**
 * The body that answers `GET services` with SERVICE_COLUMNS in JSON: 3,000 rows of 300 hosts, or as many of them
 * as go into so many bytes.
 */
export function servicesAsJson(most: number): string {
  const random = repeatable(1);
  const rows: string[] = [];
  let bytes = "[]\n".length;
  for (let host = 1; host <= HOSTS; host++) {
    for (const { description, command, read } of CHECKS) {
      const state = random() < 0.9 ? 0 : 1 + Math.floor(random() * 2);
      const checked = 1764000000 + Math.floor(random() * 60);
      const { output, perfData } = read(random);
      const row = JSON.stringify([
        `srv-app-${String(host).padStart(4, "0")}.dc1.example.net`,
        description,
        state,
        `${STATES[state]} - ${output}`,
        perfData,
        checked,
        checked - Math.floor(random() * 5e6),
        1,
        3,
        0,
        0,
        command,
      ]);
      bytes += row.length + ",\n".length;
      if (bytes > most) return body(rows);
      rows.push(row);
    }
  }
  return body(rows);
}

function body(rows: readonly string[]): string {
  return `[${rows.join(",\n")}]\n`;
}
