/** What every Prometheus client library tells of its process, by the same names. */

import { openFiles } from "../open-files.ts";
import { counter, type Family, gauge } from "./exposition.ts";

/** @param started ms since the epoch */
export function processFamilies(started: number): Family[] {
  const { user, system } = process.cpuUsage();
  const files = openFiles();
  return [
    counter("process_cpu_seconds_total", "CPU time, of user and system", (user + system) / 1e6),
    gauge("process_resident_memory_bytes", "Memory that is resident", process.memoryUsage.rss()),
    gauge("process_start_time_seconds", "When the process was started, since the epoch", started / 1000),
    ...(files
      ? [
          gauge("process_open_fds", "Files, connections and listeners that are open", files.open),
          gauge("process_max_fds", "How many may be", files.limit),
        ]
      : []),
  ];
}
