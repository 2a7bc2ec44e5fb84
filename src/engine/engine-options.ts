import type { Clock } from '../base/clock.ts';
import type { Namespace } from '../protocol/namespace.ts';
import type { PromotionSource } from '../protocol/promotion-facts.ts';
import type { SecretSource } from '../protocol/secret-source.ts';
import type { PolicyRules as DisclosedRules } from '../provenance/disclosure/disclosure-facts.ts';
import type { LogSigner } from '../provenance/evidence-log/log-signer.ts';
import type { IssuerFact } from '../provenance/facts.ts';
import type { Signer } from '../provenance/signer.ts';
import type { TrustedKey } from '../provenance/verify.ts';
import type { BlobStore } from '../store/blobs.ts';
import type { Database } from '../store/database.ts';
import type { ReclaimWorkers } from './lost-workers.ts';
import type { PolicyRules } from './policies.ts';

export interface EngineOptions extends PolicyRules {
  readonly db: Database;
  /** Of runs that name no namespace. */
  readonly home: Namespace;
  /** What others know of promotions; absent where nobody but the store does, as on a laptop. */
  readonly promotions?: PromotionSource;
  readonly signer: Signer;
  /** Other keys that this Maestro signed with, or still signs with elsewhere, and what is known of them: asked each time, since keys are replaced. */
  readonly readTrustedKeys: () => Promise<readonly TrustedKey[]>;
  /** The rules behind `policy` in a form that a stranger can ask, for disclosure packs. */
  readonly readRules: () => Promise<DisclosedRules>;
  /** Keeps the evidence register of the database, where it has the register's key. */
  readonly logSigner: LogSigner;
  readonly issuer: IssuerFact;
  readonly blobs: BlobStore;
  readonly secrets: SecretSource;
  readonly clock: Clock;
  /**
   * Whether every run that is not dedicated is looked after, as by a server. Otherwise only those that were asked for here:
   * the others on the same Postgres may have another policy and another signing key.
   */
  readonly isShared: boolean;
  /**
   * Whether an evidence register is begun with `logSigner` where the database has none. Whoever begins it owns it: on a database that
   * others share, that is for a server to do, or for whoever names the key.
   */
  readonly mayFoundRegister: boolean;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly randomBytes: (size: number) => Uint8Array;
  /** Background work that fails: it is tried again at the next sweep. */
  readonly onError: (error: unknown) => void;
  /** Absent where nothing is known of workers but what they say: they are dead when they are silent. */
  readonly reclaimWorkers?: ReclaimWorkers;
  readonly times?: Partial<EngineTimes>;
}

interface EngineTimes {
  readonly renewEveryMs: number;
  /** A worker that is silent for this long is dead. */
  readonly expireAfterMs: number;
  readonly sweepEveryMs: number;
}

export const TIMES: EngineTimes = { renewEveryMs: 10_000, expireAfterMs: 30_000, sweepEveryMs: 5000 };
