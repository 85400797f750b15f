import manifest from "../package.json" with { type: "json" };

/** The commit that a compiled program was built from; the build puts it in. */
declare const FARSITE_COMMIT: string | undefined;

/** This release, as hub and agent tell it each other. */
export const VERSION: string = manifest.version;

/** What `--version` prints: the release, and with a compiled program the commit. */
export const BUILD: string = typeof FARSITE_COMMIT === "string" ? `${VERSION} (${FARSITE_COMMIT})` : VERSION;
