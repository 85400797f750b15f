/** What clients saw, added up. */
export class Tally {
  queries = 0;
  /** Queries that ended with an error, a reset, or not in time. */
  failed = 0;
  /** Queries whose answer was another than the core's own. */
  wrong = 0;
  /** Bytes of bulk sent that came back as they went. */
  bulkBytes = 0;
  /** Bulk transfers that did not come back whole and as they went. */
  bulkCorrupt = 0;

  /** @param report takes a line for each that went wrong, and whether it is the first one */
  constructor(private readonly report: (line: string, first: boolean) => void) {}

  get #first(): boolean {
    return this.failed + this.wrong + this.bulkCorrupt === 1;
  }

  fail(what: string, why: string): void {
    this.failed++;
    this.report(`FAILED ${what}: ${why}`, this.#first);
  }

  mistake(what: string, why: string): void {
    this.wrong++;
    this.report(`WRONG ${what}: ${why}`, this.#first);
  }

  corrupt(what: string, why: string): void {
    this.bulkCorrupt++;
    this.report(`CORRUPT ${what}: ${why}`, this.#first);
  }
}
