import type { Digest } from '../base/digest.ts';
import { MaestroError } from '../base/errors.ts';
import { takeUsage } from '../store/attempt-usage.ts';
import { keepBlob } from '../store/blob-owners.ts';
import type { Database } from '../store/database.ts';
import type { FencedStep } from '../store/workers.ts';
import type { DailyContent } from './daily-content.ts';
import { tooMuch } from './held-lease.ts';
import {
  BLOB_BYTES_MAX,
  BLOB_BYTES_PER_DAY_MAX,
  BLOB_COUNT_EVERY_BYTES,
  BLOB_DAY_EVERY_BYTES,
  BLOBS_MAX,
} from './worker-limits.ts';

const MAX = { count: BLOBS_MAX, bytes: BLOB_BYTES_MAX };

export interface UploadTools {
  readonly db: Database;
  readonly days: DailyContent;
  readonly attempt: FencedStep;
  /** Null where the store holds contents of one repository alone: they are not told apart, and have no limit per day. */
  readonly repository: string | null;
}

/**
 * One content on its way into the store, and what it has taken so far of what its attempt and its repository may send. What a
 * server that is killed had taken stays counted: for the attempt until its run ends, for the repository until the day does.
 */
export class Upload {
  readonly #tools: UploadTools;
  #arrived = 0;
  /** Of it, what is counted. */
  #ofAttempt = 0;
  #ofDay = 0;
  #isKept = false;

  constructor(tools: UploadTools) {
    this.#tools = tools;
  }

  /** Counted while it arrives: the disk is taken before it is whole. @throws REQUEST_TOO_LARGE */
  async *counted(content: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    const { db, attempt } = this.#tools;
    for await (const part of content) {
      this.#arrived += part.byteLength;
      if (this.#arrived - this.#ofDay >= BLOB_DAY_EVERY_BYTES) await this.#takeDay();
      const bytes = this.#arrived - this.#ofAttempt;
      if (bytes >= BLOB_COUNT_EVERY_BYTES) {
        if (!(await takeUsage(db, attempt, 'blob', { count: 0, bytes }, MAX))) throw tooMuchContent();
        this.#ofAttempt += bytes;
      }
      yield part;
    }
  }

  /** Before it takes its place in the store: what is too much leaves nothing there. @throws REQUEST_TOO_LARGE */
  async keep(digest: Digest): Promise<void> {
    const { db, attempt, repository } = this.#tools;
    await this.#takeDay();
    const bytes = this.#arrived - this.#ofAttempt;
    if (!(await keepBlob(db, attempt, repository, digest, { count: 1, bytes }, MAX))) throw tooMuchContent();
    this.#ofAttempt += bytes;
    this.#isKept = true;
  }

  /** It did not end in the store: another try may. A large one counts as a file, so that there is an end to tries. */
  async giveBack(): Promise<void> {
    const { db, days, attempt, repository } = this.#tools;
    if (this.#ofDay > 0 && repository !== null) await days.giveBack(repository, this.#ofDay);
    const count = this.#isKept ? 0 : 1;
    if (this.#ofAttempt > 0) await takeUsage(db, attempt, 'blob', { count, bytes: -this.#ofAttempt }, MAX);
  }

  async #takeDay(): Promise<void> {
    const { days, repository } = this.#tools;
    const bytes = this.#arrived - this.#ofDay;
    if (repository !== null && !(await days.take(repository, bytes)))
      throw new MaestroError(
        'REQUEST_TOO_LARGE',
        `expected one repository to store no more than ${BLOB_BYTES_PER_DAY_MAX} bytes on one day`,
      );
    this.#ofDay += bytes;
  }
}

function tooMuchContent(): MaestroError {
  return tooMuch(`${BLOBS_MAX} files of ${BLOB_BYTES_MAX} bytes`);
}
