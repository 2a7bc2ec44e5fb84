import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openCheckpoint, signCheckpoint } from '../../../../src/provenance/evidence-log/checkpoint.ts';
import { readVerifierKey } from '../../../../src/provenance/evidence-log/note-key.ts';
import { openNote, signNote } from '../../../../src/provenance/evidence-log/signed-note.ts';
import { codeOf } from '../refusal.ts';
import { newLogSigner } from './sample-log.ts';

// The example of the specification, https://c2sp.org/signed-note.
const VKEY = 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k';
const NOTE = `This is an example message.

— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
`;
const root = Buffer.alloc(32, 7);

describe('a signed note', () => {
  it('of the specification is opened by its key', () => {
    expect(openNote(NOTE, readVerifierKey(VKEY))).toBe('This is an example message.\n');
  });

  it('is opened by the key that signed it, and other signatures count for nothing', async () => {
    const [own, other] = [newLogSigner(), newLogSigner('witness.example/w')];
    const text = 'one\n\ntwo\n';
    const note = await signNote(text, own);
    const cosigned = note + (await signNote(text, other)).slice(text.length + 1);
    expect(openNote(cosigned, readVerifierKey(own.verifierKey))).toBe(text);
    expect(openNote(cosigned, readVerifierKey(other.verifierKey))).toBe(text);
    expect(codeOf(() => openNote(note, readVerifierKey(other.verifierKey)))).toBe('KEY_UNKNOWN');
  });

  it('does not hold with any of its bytes changed', async () => {
    const signer = newLogSigner();
    const note = await signCheckpoint({ size: 20_852_163, root }, signer);
    const key = readVerifierKey(signer.verifierKey);
    const bytes = Buffer.from(note);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 0, max: 7 }), (at, bit) => {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] as number) ^ (1 << bit);
        expect(codeOf(() => openCheckpoint(changed.toString(), key))).toBeDefined();
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['no signature', 'text\n\n', 'CHECKPOINT_MALFORMED'],
    ['no empty line', 'text\n', 'CHECKPOINT_MALFORMED'],
    ['no end', NOTE.trimEnd(), 'CHECKPOINT_MALFORMED'],
    ['a carriage return', NOTE.replace('\n', '\r\n'), 'CHECKPOINT_MALFORMED'],
    ['a NUL', NOTE.replace(' is', '\0is'), 'CHECKPOINT_MALFORMED'],
    ['a hyphen for the dash', NOTE.replace('—', '-'), 'CHECKPOINT_MALFORMED'],
    ['base64 with a stray bit', NOTE.replace('IneyaQM=', 'IneyaQN='), 'CHECKPOINT_MALFORMED'],
    ['one more word', NOTE.replace('IneyaQM=', 'IneyaQM= x'), 'CHECKPOINT_MALFORMED'],
    ['the signature twice', NOTE + NOTE.slice(NOTE.indexOf('—')), 'SIGNATURE_COUNT'],
    ['too many signatures', NOTE + NOTE.slice(NOTE.indexOf('—')).repeat(40), 'SIGNATURE_COUNT'],
    ['another text', NOTE.replace('example m', 'exemple m'), 'SIGNATURE_INVALID'],
    ['too much', `${'x'.repeat(200_000)}${NOTE}`, 'TOO_LARGE'],
  ])('is refused with %s', (_, note, code) => {
    expect(codeOf(() => openNote(note, readVerifierKey(VKEY)))).toBe(code);
  });
});

describe('a verifier key', () => {
  it.each([
    ['another id', VKEY.replace('530d903a', '530d903b')],
    ['another name', VKEY.replace('/foo', '/fox')],
    ['another type', VKEY.replace('+AekyeRrm', '+AukyeRrm')],
    ['a short key', VKEY.slice(0, -4)],
    ['nothing', ''],
    ['a name with a space', `a b${VKEY}`],
    ['a PEM', '-----BEGIN PUBLIC KEY-----'],
    ['too much', `${'x'.repeat(5000)}${VKEY}`],
  ])('is refused with %s', (_, text) => {
    expect(codeOf(() => readVerifierKey(text))).toBe('KEY_INVALID');
  });
});

describe('a checkpoint', () => {
  const signed = async (body: string): Promise<string | undefined> => {
    const signer = newLogSigner();
    const note = await signNote(body, signer);
    return codeOf(() => openCheckpoint(note, readVerifierKey(signer.verifierKey)));
  };
  const base64 = root.toString('base64');

  it('says how many leaves the register has, and their root', async () => {
    const signer = newLogSigner();
    const note = await signCheckpoint({ size: 12, root }, signer);
    expect(openCheckpoint(note, readVerifierKey(signer.verifierKey))).toEqual({
      origin: signer.origin,
      size: 12,
      root,
    });
    expect(await signed(`log.example/maestro\n12\n${base64}\nmore\n`)).toBeUndefined();
  });

  it.each([
    ['a leading zero', `log.example/maestro\n012\n${base64}\n`, 'CHECKPOINT_MALFORMED'],
    ['a negative size', `log.example/maestro\n-1\n${base64}\n`, 'CHECKPOINT_MALFORMED'],
    ['a size beyond 2^53', `log.example/maestro\n9007199254740993\n${base64}\n`, 'CHECKPOINT_MALFORMED'],
    ['a short root', 'log.example/maestro\n12\nAAAA\n', 'CHECKPOINT_MALFORMED'],
    ['an empty line', `log.example/maestro\n12\n${base64}\n\nmore\n`, 'CHECKPOINT_MALFORMED'],
    ['two lines', 'log.example/maestro\n12\n', 'CHECKPOINT_MALFORMED'],
    ['another origin', `log.example/other\n12\n${base64}\n`, 'KEY_UNKNOWN'],
  ])('is refused with %s, though it is signed', async (_, body, code) => {
    expect(await signed(body)).toBe(code);
  });
});
