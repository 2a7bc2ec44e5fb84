import type { IdentityDocuments } from '../auth/identity-issuer.ts';
import type { JobAdmission } from '../auth/job-admission.ts';
import type { JobIdentity } from '../auth/job-identity.ts';
import type { Clock } from '../base/clock.ts';
import type { JsonObject } from '../base/json.ts';
import type { EvidenceReader } from '../protocol/evidence.ts';
import type { LeaseClient } from '../protocol/lease.ts';
import type { AdmitPerson } from '../protocol/person-call.ts';
import type { RunView } from '../protocol/run.ts';
import type { WorkerSessions } from '../protocol/worker-session.ts';

/** What the door gives to the routes. */
export interface HttpApiTools {
  readonly leases: LeaseClient;
  readonly sessions: WorkerSessions;
  /** Throws UNAUTHENTICATED for a token that does not hold. */
  readonly verifyJobToken: (token: string) => Promise<JobIdentity>;
  readonly admission: JobAdmission;
  readonly admitPerson: AdmitPerson;
  /** Throws RUN_NOT_FOUND. */
  readonly readRun: (run: string) => Promise<RunView>;
  readonly evidence: EvidenceReader;
  /** What keeps this server from working, by part; empty where nothing does. */
  readonly troubles: () => Promise<readonly string[]>;
  /** Present where the server issues identity tokens: what verifies them. */
  readonly identity?: IdentityDocuments;
  /** Public keys that verify receipts of this server, as `maestro verify --keys` reads them. */
  readonly trustedKeys?: JsonObject;
  /** Fires when the server is about to go: calls that are held are let go, and callers are sent elsewhere. */
  readonly closing: AbortSignal;
  /** Version of the program, for the document. */
  readonly version: string;
  readonly clock: Clock;
  readonly randomBytes: (size: number) => Uint8Array;
  /** Ids of requests. */
  readonly newId: () => string;
  /** What a caller is not told. */
  readonly onError: (error: unknown, requestId: string) => void;
  /**
   * Address that a request counts for. Absent: that of the socket. A server behind a proxy names what the proxy says,
   * lest all callers share one allowance.
   */
  readonly addressOf?: (request: Request, socketAddress: string) => string;
}
