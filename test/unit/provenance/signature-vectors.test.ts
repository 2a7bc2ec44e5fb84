import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isNoteSignedBy } from '../../../src/provenance/evidence-log/note-key.ts';
import { isSignedBy, readPublicKey } from '../../../src/provenance/public-key.ts';
import { describeWith } from '../../real-parts.ts';

interface VectorFile {
  readonly numberOfTests: number;
  readonly testGroups: readonly {
    readonly publicKeyPem: string;
    readonly tests: readonly Vector[];
  }[];
}

interface Vector {
  readonly tcId: number;
  readonly comment: string;
  readonly msg: string;
  readonly sig: string;
  readonly result: 'valid' | 'invalid' | 'acceptable';
}

type IsSigned = (pem: string, message: Uint8Array, signature: Uint8Array) => boolean;

const hex = (text: string): Buffer => Buffer.from(text, 'hex');

/** The vectors to which we give another answer than Wycheproof does. */
function disagreements(file: VectorFile, isSigned: IsSigned): readonly Vector[] {
  return file.testGroups.flatMap(({ publicKeyPem, tests }) =>
    tests.filter(({ msg, sig, result }) => isSigned(publicKeyPem, hex(msg), hex(sig)) !== (result === 'valid')),
  );
}

// Hostile signatures and extreme keys by project Wycheproof: https://github.com/C2SP/wycheproof.
describeWith('wycheproof', 'the signatures of Wycheproof', (folder) => {
  const read = (name: string): VectorFile => JSON.parse(readFileSync(join(folder, name), 'utf8')) as VectorFile;

  // None is flagged "acceptable" any more, and Node's OpenSSL is as strict as they are: BER is refused, and so is what follows DER.
  // What stays is that (r, n - s) holds as well as (r, s), which they call valid: hence a receipt is named by its payload.
  describe('on P-256, with which receipts are signed', () => {
    const file: VectorFile =
      folder === '' ? { numberOfTests: 0, testGroups: [] } : read('ecdsa_secp256r1_sha256_test.json');

    it('are all there', () => {
      const results = file.testGroups.flatMap(({ tests }) => tests.map(({ result }) => result));
      expect(
        Object.fromEntries(
          Map.groupBy(results, (result) => result)
            .entries()
            .map(([k, v]) => [k, v.length]),
        ),
      ).toEqual({ valid: 174, invalid: 310 });
    });

    it('hold, and fail, as they should: 484 of 484', () => {
      const isSigned: IsSigned = (pem, message, signature) => {
        const key = readPublicKey(pem);
        if (key === undefined) throw new Error('a key of P-256 was not taken');
        return isSignedBy(key, message, signature);
      };
      expect(disagreements(file, isSigned)).toEqual([]);
    });
  });

  describe('of Ed25519, with which the register is signed', () => {
    const file: VectorFile = folder === '' ? { numberOfTests: 0, testGroups: [] } : read('ed25519_test.json');

    it('hold, and fail, as they should: 151 of 151', () => {
      expect(file.testGroups.flatMap(({ tests }) => tests)).toHaveLength(151);
      const isSigned: IsSigned = (pem, message, signature) =>
        isNoteSignedBy({ key: createPublicKey(pem) }, message, signature);
      expect(disagreements(file, isSigned)).toEqual([]);
    });
  });
});
