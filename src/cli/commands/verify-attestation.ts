import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { MaestroError } from '../../base/errors.ts';
import { kindOfPredicate, PREDICATE_TYPES, type StatementKind } from '../../provenance/attestations/predicate-types.ts';
import { type VerifiedAttestation, verifyAttestation } from '../../provenance/attestations/verify-attestation.ts';
import { BUNDLE_BYTES_MAX } from '../../provenance/open-envelope.ts';
import { readPublicKey } from '../../provenance/public-key.ts';
import type { Arguments } from '../arguments.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { digestOfFile } from '../file-digest.ts';
import type { Output } from '../output.ts';
import { safeText } from '../terminal-text.ts';
import { expectedRun } from '../verify/expected-run.ts';

const KEY_BYTES_MAX = 65_536;

/** `maestro verify FILE --bundle B --type T --key K`: whether a statement is about this very file. */
export const verifyStatement: Command = async (args, context) => {
  const stray = ['attempt', 'pipeline', 'repository', 'related', 'secret'].find((name) => args.has(name));
  if (stray !== undefined) throw new MaestroError('USAGE', `--${stray} is of receipts, and this is a statement`);
  const path = (name: string): string => resolve(context.cwd, needed(args, name));
  const file = resolve(context.cwd, args.required(0));
  const verified = verifyAttestation({
    bundle: read(path('bundle'), BUNDLE_BYTES_MAX),
    key: readKey(path('key')),
    predicateType: typeOf(needed(args, 'type')),
    subjectDigest: await digestOfFile(file),
    ...runOf(args),
  });
  show(verified, context.output);
  return EXIT.ok;
};

/** Which run it must come from: provenance names it, and no other statement does. */
function runOf(args: Arguments): { readonly runIds?: readonly string[] } {
  const { runId } = expectedRun(args);
  return runId === undefined ? {} : { runIds: [runId] };
}

function needed(args: Arguments, name: string): string {
  const value = args.text(name);
  if (value === undefined)
    throw new MaestroError('USAGE', `expected --${name}: a statement is verified with --bundle, --type and --key`);
  return value;
}

/** A type, or the short name of one that Maestro makes. */
function typeOf(given: string): string {
  if (Object.hasOwn(PREDICATE_TYPES, given)) return PREDICATE_TYPES[given as StatementKind];
  if (kindOfPredicate(given) !== undefined) return given;
  const known = Object.keys(PREDICATE_TYPES).join(', ');
  throw new MaestroError('USAGE', `expected --type to be one of ${known}, or the URI of one`);
}

function read(path: string, bytesMax: number): Buffer {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat?.isFile()) throw new MaestroError('FILE_NOT_READABLE', `expected a file at ${path}`);
  if (stat.size > bytesMax)
    throw new MaestroError('FILE_TOO_LARGE', `${path} has ${stat.size} bytes, expected at most ${bytesMax}`);
  return readFileSync(path);
}

function readKey(path: string): string {
  const pem = read(path, KEY_BYTES_MAX).toString('utf8');
  if (readPublicKey(pem) !== undefined) return pem;
  throw new MaestroError('KEY_INVALID', `expected one P-256 public key in PEM (-----BEGIN PUBLIC KEY-----) in ${path}`);
}

function show({ payloadSha256, keyHint, statement }: VerifiedAttestation, output: Output): void {
  const { predicateType, subject } = statement;
  if (output.isJson) return output.json({ isValid: true, payloadSha256, keyHint, predicateType, subjects: subject });
  output.line(`${output.paint.green(output.paint.bold('valid'))}: ${kindOfPredicate(predicateType)} statement`);
  output.line(`  about      ${subject.map(({ name }) => safeText(name)).join(', ')}`);
  output.line(`  statement  sha256:${payloadSha256}`);
  output.line(`  key        ${safeText(keyHint)}`);
}
