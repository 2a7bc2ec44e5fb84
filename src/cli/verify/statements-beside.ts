import { readFileSync, statSync } from 'node:fs';
import { canonicalJson } from '../../base/canonical-json.ts';
import type { Digest } from '../../base/digest.ts';
import { isJsonObject, type Json } from '../../base/json.ts';
import { kindOfPredicate, PREDICATE_TYPES } from '../../provenance/attestations/predicate-types.ts';
import type { Statement } from '../../provenance/attestations/statement.ts';
import { verifyTyped } from '../../provenance/attestations/verify-attestation.ts';
import { bundleAround } from '../../provenance/envelope.ts';
import { BUNDLE_BYTES_MAX, openEnvelope } from '../../provenance/open-envelope.ts';
import { isOfPage, SUMMARY_NAME } from '../../provenance/release-names.ts';
import { demand } from '../../provenance/verification-error.ts';
import { findKey, type KeyEntry, readTrustedKeys, type TrustedKey } from '../../provenance/verify.ts';
import type { NamesOfOutputs } from './names-of-outputs.ts';

const STATEMENT = /\.(?:sigstore\.json|intoto\.jsonl)$/;

export interface Trust {
  readonly key: string | readonly TrustedKey[];
  readonly made: ReadonlySet<Digest>;
  readonly names: NamesOfOutputs;
  /** RFC 3339: when the run ended. */
  readonly at: string;
}

/** A bundle whose signature holds. */
interface Signed {
  readonly bundle: Uint8Array;
  readonly payload: Uint8Array;
}

/** Statements in the folder of a receipt. One of a key that is trusted must hold; of others nothing is said. */
export class StatementsBeside {
  readonly #keys: ReadonlyMap<string, KeyEntry>;
  readonly #trust: Trust;

  constructor(trust: Trust) {
    this.#trust = trust;
    this.#keys = readTrustedKeys(trust.key);
  }

  /** Whether it is a statement about what the run made: about what it is called after, where that is an output. */
  isOne(path: string, name: string): boolean {
    const subjects = this.#subjectsIn(path, name);
    if (subjects === undefined) return false;
    const { made, names } = this.#trust;
    const called = names.digestsBehind(name);
    const wanted = called.size > 0 && !isOfPage(name) ? called : made;
    const isAbout = subjects.some((digest) => wanted.has(digest));
    demand(isAbout, 'SUBJECT_MISMATCH', `${name} is about something else than its name says, or than this run made`);
    return true;
  }

  /** A page may call a statement about one output as another output, which is not attached, is called. */
  isOfNamesake(path: string, name: string): boolean {
    const called = this.#trust.names.digestsBehind(name);
    return called.size > 0 && this.#subjectsIn(path, name)?.some((digest) => called.has(digest)) === true;
  }

  /** Undefined for what is no statement of a trusted key. @throws VerificationError where such a one does not hold */
  #subjectsIn(path: string, name: string): readonly Digest[] | undefined {
    if (!(STATEMENT.test(name) || name === SUMMARY_NAME) || statSync(path).size > BUNDLE_BYTES_MAX) return undefined;
    const bytes = readFileSync(path);
    const document = parsed(bytes.toString());
    const signed = name === SUMMARY_NAME ? this.#signedEnvelope(document) : this.#signedBundle(bytes, document);
    if (signed === undefined) return undefined;
    const predicateType = name === SUMMARY_NAME ? PREDICATE_TYPES['verification-summary'] : typeIn(signed.payload);
    // A receipt, or a pack's list of digests: this run's own are verified as what they are.
    if (kindOfPredicate(predicateType) === undefined) return undefined;
    const { key, at } = this.#trust;
    const { statement } = verifyTyped({ bundle: signed.bundle, key, predicateType, at });
    return subjectsOf(statement);
  }

  #signedBundle(bundle: Uint8Array, document: Json): Signed | undefined {
    if (!isOfKey(document, this.#keys)) return undefined;
    return { bundle, payload: openEnvelope(bundle, (hint) => findKey(this.#keys, hint)).payload };
  }

  /** An envelope without a bundle does not say whose it is: it is theirs whose key fits, and nobody's where none does. */
  #signedEnvelope(envelope: Json): Signed | undefined {
    for (const hint of this.#keys.keys()) {
      try {
        const bundle = Buffer.from(canonicalJson(bundleAround(envelope, hint)));
        return { bundle, payload: openEnvelope(bundle, () => findKey(this.#keys, hint)).payload };
      } catch {
        // The next one may have signed it.
      }
    }
    return undefined;
  }
}

/** Whether a bundle says that it is of a key that is trusted. */
export function isOfKey(bundle: Json, keys: ReadonlyMap<string, unknown>): boolean {
  const { publicKey } = objectOf(objectOf(bundle)['verificationMaterial']);
  const { hint } = objectOf(publicKey);
  return typeof hint === 'string' && keys.has(hint);
}

export function parsed(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return null;
  }
}

/** Of a payload whose signature holds; what verifies it holds it to that type. */
export function typeIn(payload: Uint8Array): string {
  const { predicateType } = objectOf(parsed(Buffer.from(payload).toString()));
  return typeof predicateType === 'string' ? predicateType : '';
}

function subjectsOf({ subject }: Statement): readonly Digest[] {
  return subject.map(({ digest }): Digest => `sha256:${digest.sha256}`);
}

function objectOf(value: Json | undefined) {
  return isJsonObject(value) ? value : {};
}
