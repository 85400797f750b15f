/** What streams have carried, for who counts it: in bytes as their two ends see them, before compression. */
export interface Traffic {
  received: number;
  sent: number;
}
