import type { Digest } from '../../base/digest.ts';
import type { JsonObject } from '../../base/json.ts';
import type { LogText } from './fit-logs.ts';

/** What is disclosed of a run that has ended: what its receipt speaks of by digest, as far as it is kept. */
export interface DisclosureFacts {
  /** PEM of the key that will sign the pack: another one than the receipt's where that was replaced since. */
  readonly packKey: string;
  readonly receipt: SignedReceipt;
  readonly policy: PolicyMaterial;
  /** Logs of steps as they are kept, secrets masked; in the order of the receipt's steps. */
  readonly logs: readonly StepLog[];
  /** What else was signed about the run, in the order in which it was. */
  readonly attestations: readonly SignedAttestation[];
  /** Where the receipt stands in the evidence register; null where there is none. */
  readonly register: RegisterProof | null;
}

interface SignedReceipt {
  /** Text of the sigstore bundle. */
  readonly bundle: string;
  /** Text of `run.json`. */
  readonly runRecord: string;
  /** PEM. */
  readonly publicKey: string;
}

/** Enough to ask every question again. */
export interface PolicyMaterial {
  /** Questions by digest, as RFC 8785 text. */
  readonly questions: ReadonlyMap<Digest, string>;
  /** Data documents by the digest of the pack, which the receipt names as `policy[].bundle.digest`. */
  readonly data: ReadonlyMap<Digest, JsonObject>;
  readonly rules: PolicyRules;
}

/** The rules of the Maestro that discloses. Those of another version have another `revision`, and answer for their own decisions alone. */
export interface PolicyRules {
  /** As the receipt names it in `policy[].bundle.revision`. */
  readonly revision: Digest;
  /** Of the rule that answers, as a path: `maestro/decision`. */
  readonly entrypoint: string;
  readonly wasm: Uint8Array;
  /** Rego by path. */
  readonly sources: ReadonlyMap<string, string>;
}

/** Of the step's last attempt. */
export interface StepLog extends LogText {
  readonly stepId: string;
}

export interface SignedAttestation {
  readonly predicateType: string;
  readonly subjects: readonly { readonly name: string; readonly digest: Digest }[];
  /** Text of the sigstore bundle. */
  readonly bundle: string;
  /** PEM of the key that signed it. */
  readonly publicKey: string;
}

/** A C2SP tlog-proof, and the key that verifies its checkpoint, as a C2SP vkey. */
export interface RegisterProof {
  readonly proof: string;
  readonly logKey: string;
}
