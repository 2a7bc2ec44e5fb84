/** Rows that failed one after another, none between them written: GitHub itself does not answer. One row may be at fault itself. */
const OUTAGE_ROWS = 3;
/** More of them make no longer rest. */
const ROWS_MAX = 16;

/**
 * Which installations GitHub does not answer for. A hint of this process: who forgets it tries a few rows more.
 */
export class Outages {
  readonly #failed = new Map<number, Set<number>>();

  /** Notes that a report failed. Answers how many rows more than an outage takes have failed; undefined where it is none. */
  fail(installationId: number, reportId: number): number | undefined {
    const rows = this.#failed.get(installationId) ?? new Set();
    if (rows.size < ROWS_MAX) rows.add(reportId);
    this.#failed.set(installationId, rows);
    return rows.size < OUTAGE_ROWS ? undefined : rows.size - OUTAGE_ROWS;
  }

  /** GitHub answered. */
  end(installationId: number): void {
    this.#failed.delete(installationId);
  }
}
