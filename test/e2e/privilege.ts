/** Root reads every file; a test of an unreadable one must take that away first. */

const READ_ANYTHING = "-dac_override,-dac_read_search";

/** Words before a command so that it may read only what permissions let it, as for any other user. */
export const withoutPrivilege: readonly string[] =
  process.getuid?.() === 0
    ? ["setpriv", `--bounding-set=${READ_ANYTHING}`, `--inh-caps=${READ_ANYTHING}`, "--"]
    : [];
