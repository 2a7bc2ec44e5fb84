import type { Digest } from '../../base/digest.ts';
import type { JsonObject } from '../../base/json.ts';
import { compileSchema } from '../schema-fault.ts';
import {
  count,
  digest,
  flag,
  list,
  name,
  object,
  oneOf,
  orNull,
  predicateSchema,
  sha256,
  text,
} from '../schema-parts.ts';
import { parseCanonicalJson } from '../strict-json.ts';
import { demand } from '../verification-error.ts';

export const MANIFEST_NAME = 'manifest.json';
export const MANIFEST_VERSION = '1';
const MANIFEST_BYTES_MAX = 64 * 1024 * 1024;

/** What a pack holds and what it leaves out, so that nothing is missing unseen. Paths are relative to the pack's folder. */
export interface DisclosureManifest {
  readonly schemaVersion: typeof MANIFEST_VERSION;
  readonly run: { readonly id: string; readonly attempt: number; readonly receiptSha256: string };
  /** Path of the key that signed the pack. */
  readonly key: string;
  readonly logs: readonly LogEntry[];
  readonly policy: {
    readonly entrypoint: string;
    readonly revision: Digest;
    readonly decisions: readonly DecisionEntry[];
  };
  readonly attestations: readonly AttestationEntry[];
  readonly hasRegisterProof: boolean;
}

export interface LogEntry {
  readonly stepId: string;
  /** Null where it is not in the pack: it is not kept any more, or not for everybody. */
  readonly path: string | null;
  /** False where the beginning was cut, so that the pack stays small, or where not all of it was kept in the first place. */
  readonly isWhole: boolean;
}

export interface DecisionEntry {
  /** As the receipt names it. */
  readonly id: string;
  /** Null where the question, or the data, is not in the pack. */
  readonly question: string | null;
  readonly data: string | null;
  /** The rules in the pack, with those data, are what decided. */
  readonly isReplayable: boolean;
}

export interface AttestationEntry {
  readonly path: string;
  /** Path of the key that signed it. */
  readonly key: string;
  readonly predicateType: string;
  readonly subjects: readonly { readonly name: string; readonly digest: Digest }[];
}

const SCHEMA: JsonObject = predicateSchema(
  'https://maestro-conductor.dev/schema/disclosure/v1',
  {
    schemaVersion: oneOf(MANIFEST_VERSION),
    run: object({ id: name, attempt: count, receiptSha256: sha256 }),
    key: name,
    logs: list(object({ stepId: name, path: orNull(name), isWhole: flag })),
    policy: object({
      entrypoint: text,
      revision: digest,
      decisions: list(object({ id: name, question: orNull(name), data: orNull(name), isReplayable: flag })),
    }),
    attestations: list(
      object({ path: name, key: name, predicateType: name, subjects: list(object({ name, digest })) }),
    ),
    hasRegisterProof: flag,
  },
  {},
);

const findFault = compileSchema(SCHEMA);

/** @throws VerificationError JSON_*, SCHEMA_INVALID */
export function readManifest(bytes: Uint8Array): DisclosureManifest {
  const value = parseCanonicalJson(bytes, MANIFEST_BYTES_MAX);
  const fault = findFault(value);
  demand(fault === undefined, 'SCHEMA_INVALID', `${MANIFEST_NAME} is not the manifest of a disclosure pack: ${fault}`);
  return value as unknown as DisclosureManifest;
}
