import { MaestroError } from '../base/errors.ts';
import { signCheckpoint } from '../provenance/evidence-log/checkpoint.ts';
import { type EvidenceLeaf, leafText } from '../provenance/evidence-log/leaf.ts';
import type { LogSigner } from '../provenance/evidence-log/log-signer.ts';
import { leafHash } from '../provenance/merkle.ts';
import { appendedNodes, rootOfEdge } from '../provenance/merkle-nodes.ts';
import type { Database, Session } from '../store/database.ts';
import {
  appendToLog,
  claimLog,
  type LogLook,
  logVerifierKey,
  lookAtLog,
  type WaitingLeaf,
} from '../store/evidence-log.ts';
import type { Hub } from './hub.ts';

const BATCH_MAX = 1024;
/** Leaves of a burst get their indexes together. */
const SOON_MS = 100;
const GIVE_WAY_MS = 1000;

export interface RegistrarTools {
  readonly db: Database;
  readonly hub: Hub;
  readonly logSigner: LogSigner;
  /** Whether the conductor has more to do than it can do at once. */
  readonly isBusy: () => boolean;
  /** Others on the same database may keep its register: only a server wonders. */
  readonly isShared: boolean;
  /** Whether this process may begin a register where there is none. */
  readonly mayFoundRegister: boolean;
  readonly onError: (error: unknown) => void;
}

/** What became of one look. */
type Look = 'more' | 'none' | 'elsewhere' | 'foreign';

/**
 * Appends to the evidence register what waits for its place there, one batch after another, each under one checkpoint. Whoever
 * made a leaf has only queued it, in the transaction that made it true: nobody waits for an index, and a crash loses none.
 *
 * One process at a time appends, by a lock that the others do not wait for. Which one does not matter, as long as it has the
 * register's key.
 */
export class Registrar {
  readonly #tools: RegistrarTools;
  readonly #off: () => void;
  #running: Promise<void> | undefined;
  #isAgain = false;
  #soon: NodeJS.Timeout | undefined;
  #isClosed = false;
  #isOwner = false;
  #isForeign = false;

  constructor(tools: RegistrarTools) {
    this.#tools = tools;
    this.#off = tools.hub.on('settled', () => this.wakeSoon());
  }

  /** Leaves were queued: they are appended soon, many at once, when the conductor has a moment. */
  wakeSoon(): void {
    if (this.#isClosed || this.#isForeign) return;
    this.#soon ??= setTimeout(() => {
      this.#soon = undefined;
      this.#whenQuiet().catch(this.#tools.onError);
    }, SOON_MS).unref();
  }

  /** Appends what waits. Calls while it works make it look once more. */
  register(): Promise<void> {
    if (this.#running) this.#isAgain = true;
    else this.#running = this.#work();
    return this.#running;
  }

  /** What waits by now is appended before. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#off();
    clearTimeout(this.#soon);
    await this.register();
  }

  /** Steps come first: while outcomes keep coming in, leaves wait, but not for ever. */
  async #whenQuiet(): Promise<void> {
    for (let waitedMs = 0; this.#tools.isBusy() && waitedMs < GIVE_WAY_MS; waitedMs += SOON_MS) {
      await new Promise((resolve) => setTimeout(resolve, SOON_MS));
    }
    // Closing appends what waits, and the database may be gone by now.
    if (!this.#isClosed) await this.register();
  }

  async #work(): Promise<void> {
    try {
      do {
        this.#isAgain = false;
        await this.#appendAll();
      } while (this.#isAgain);
    } finally {
      // In the same turn as the last look: a call after it begins anew.
      this.#running = undefined;
    }
  }

  async #appendAll(): Promise<void> {
    if (this.#isForeign) return;
    let look = await this.#look();
    for (; look === 'more'; look = await this.#look());
    // Whoever holds the lock may have looked before the last leaf came.
    if (look === 'elsewhere') this.wakeSoon();
    if (look === 'foreign') this.#leaveToOthers();
  }

  async #look(): Promise<Look> {
    const { db, hub } = this.#tools;
    const { look, isGrown } = await db.transaction(async (session) => {
      const found = await lookAtLog(session, BATCH_MAX);
      if (!found) return { look: 'elsewhere', isGrown: false } as const;
      if (found.waiting.length === 0) return { look: 'none', isGrown: false } as const;
      if (!(await this.#isOurs(session))) return { look: 'foreign', isGrown: false } as const;
      await this.#append(session, found);
      return { look: found.isMore ? 'more' : 'none', isGrown: true } as const;
    });
    if (isGrown) {
      // Committed: the register has this key for ever.
      this.#isOwner = true;
      hub.tell('logged');
    }
    return look;
  }

  async #append(session: Session, { waiting, size, edge }: LogLook): Promise<void> {
    const bodies = waiting.map((leaf) => leafText(leafOf(leaf)));
    const grown = appendedNodes(
      size,
      edge,
      bodies.map((body) => leafHash(body)),
    );
    const head = { size: size + bodies.length, root: rootOfEdge(grown.edge) };
    const note = await signCheckpoint(head, this.#tools.logSigner);
    await appendToLog(session, { waiting, bodies, nodes: grown.nodes, size, note });
  }

  async #isOurs(session: Session): Promise<boolean> {
    if (this.#isOwner) return true;
    const { logSigner, mayFoundRegister } = this.#tools;
    const { verifierKey } = logSigner;
    const owner = mayFoundRegister ? await claimLog(session, verifierKey) : await logVerifierKey(session);
    return owner === verifierKey;
  }

  /** Two keys for one register would look like two registers. */
  #leaveToOthers(): void {
    this.#isForeign = true;
    const { isShared, mayFoundRegister, logSigner, onError } = this.#tools;
    if (!isShared || !mayFoundRegister) return;
    onError(
      new MaestroError(
        'CONFIG_INVALID',
        `the evidence register of this database has another key than this process (${logSigner.verifierKey}): until a process with the register's own MAESTRO_EVIDENCE_KEY and MAESTRO_EVIDENCE_ORIGIN runs, it does not grow`,
      ),
    );
  }
}

function leafOf({ kind, runKey, attempt, payloadSha256 }: WaitingLeaf): EvidenceLeaf {
  const ofRun = { v: 1, runId: runKey, attempt } as const;
  if (kind === 'open') return { ...ofRun, kind };
  // The transaction that stored the receipt queued the leaf.
  if (payloadSha256 === null) throw new TypeError(`run ${runKey} is to be closed without a receipt`);
  return { ...ofRun, kind, payloadSha256 };
}
