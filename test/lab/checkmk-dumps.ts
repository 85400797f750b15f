/**
 * What Checkmk's `livedump` and `cmcdump` print, in the form that is publicly described (user guide, "Livedump and
 * CMCDump"; `livedump.py` of Checkmk's sources). The programs themselves are not to be had here. What stands behind the
 * names in a command of cmcdump's is nowhere described: here it is anything.
 */

export interface LivedumpObject {
  host: string;
  service?: string;
  code: number;
  output: string;
  perf: string;
}

/** A record of livedump's states. */
export function livedumpRecord({ host, service, code, output, perf }: LivedumpObject): string {
  return [
    `host_name=${host}`,
    ...(service === undefined ? [] : [`service_description=${service}`]),
    "check_type=1",
    "check_options=0",
    "reschedule_check",
    "latency=0.13",
    "start_time=1795634631.0",
    "finish_time=1795634631.0",
    `return_code=${code}`,
    `output=${output}|${perf}`,
    "",
    "",
  ].join("\n");
}

/** `livedump -TC`. */
export const LIVEDUMP_CONFIG = `define host {
  name\t\t\tlivedump-host
  use\t\t\tcheck_mk_default
  register\t\t0
}

define host {
  use\t\t\tlivedump-host
  host_name\t\tweb
  alias\t\t\tWeb server
  address\t\t192.0.2.7
  check_command\t\tcheck-mk-host-ping
  max_check_attempts\t1
}

define service {
  use\t\t\tlivedump-service
  host_name\t\tweb
  description\t\tCPU load
  check_command\t\tcheck-livedump
  max_check_attempts\t1
}
`;

export const CMCDUMP = `COMMAND [1795634631] UPDATE_SHADOW_HOST_STATE;web;0;1795634600;UP - fine|rta=1

COMMAND [1795634631] UPDATE_SHADOW_SERVICE_STATE;web;CPU load;2;1795634600;CRIT; a|v=1

`;
