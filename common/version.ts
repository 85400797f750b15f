import manifest from "../package.json" with { type: "json" };

/** This release, as `--version` prints it. */
export const VERSION: string = manifest.version;
