import type { Decision } from '../policy/decision.ts';
import type { Session } from '../store/database.ts';
import { type AskedDecision, saveDecisions } from '../store/decisions.ts';

/** Numbers of stored decisions. Policy answers equal questions with one object, so its identity is the key. */
export class DecisionIds {
  readonly #packId: number;
  readonly #ids = new WeakMap<Decision, number>();

  constructor(packId: number) {
    this.#packId = packId;
  }

  /** @throws RangeError for a decision that was not resolved before */
  of(decision: Decision): number {
    const id = this.#ids.get(decision);
    if (id === undefined) throw new RangeError('this decision was not stored');
    return id;
  }

  /** Stores those that are new. Outside of a caller's transaction: a decision is true by itself, whoever uses it. */
  async resolve(session: Session, asked: readonly AskedDecision[]): Promise<void> {
    const fresh = asked.filter((one) => !this.#ids.has(one.decision));
    if (fresh.length === 0) return;
    const ids = await saveDecisions(session, this.#packId, fresh);
    for (const { decision } of fresh) {
      const id = ids.get(decision.inputDigest);
      if (id !== undefined) this.#ids.set(decision, id);
    }
  }
}
