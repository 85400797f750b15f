/** External commands: `[TIME] NAME;ARGUMENTS`, as the target of a COMMAND. */

/**
 * The command's name. Undefined when it is not written exactly so: cores forgive different mistakes, and each
 * might see another name.
 */
export function commandName(target: string): string | undefined {
  return /^\[\d{1,20}\] ([A-Z_][A-Z0-9_]*)(?:;|$)/.exec(target)?.[1];
}
