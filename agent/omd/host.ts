/** What detection looks at; tests have a host of their own. */
import type { Account } from "./account.ts";
import type { Listeners } from "./listeners.ts";
import type { Tree } from "./tree.ts";

export interface Host {
  tree: Tree;
  listeners: Listeners;
  /** The user that the agent runs as. */
  account: Account;
}
