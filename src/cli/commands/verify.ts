import { readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { MaestroError } from '../../base/errors.ts';
import { readPublicKey } from '../../provenance/public-key.ts';
import { type VerifiedReceipt, verifyReceipt } from '../../provenance/verify.ts';
import type { Arguments } from '../arguments.ts';
import type { Command } from '../command.ts';
import type { CommandContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { plural } from '../finding-text.ts';
import { safeText } from '../terminal-text.ts';
import { isArchive, verifyArchive } from './verify-disclosure.ts';

/** Above the verifier's own limit, so that it is the verifier who refuses; guards against reading a disk into memory. */
const FILE_BYTES_MAX = 64 * 1024 * 1024;

interface ReceiptFiles {
  readonly bundle: string;
  readonly key: string;
  readonly isKeyGiven: boolean;
  /** Undefined where there is none: the bundle then stands alone. */
  readonly runRecord: string | undefined;
}

export const verify: Command = async (args, context) => {
  const files = findFiles(args, context.cwd);
  const bytes = readFile(files.bundle);
  if (isArchive(bytes)) return verifyArchive(bytes, files.isKeyGiven ? readKey(files) : undefined, context);
  const verified = verifyReceipt({
    bundle: bytes,
    key: readKey(files),
    ...(files.runRecord === undefined ? {} : { runRecord: readFile(files.runRecord) }),
  });
  if (context.output.isJson) context.output.json(verifiedDocument(verified, files));
  else showVerified(verified, files, context);
  return EXIT.ok;
};

function findFiles(args: Arguments, cwd: string): ReceiptFiles {
  const path = resolve(cwd, args.required(0));
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  const folder = isFolder ? path : dirname(path);
  const key = args.text('key');
  const record = args.text('run-record');
  const besides = join(folder, 'run.json');
  return {
    bundle: isFolder ? join(path, 'receipt.sigstore.json') : path,
    key: key === undefined ? join(folder, 'maestro.pub') : resolve(cwd, key),
    isKeyGiven: key !== undefined,
    runRecord: record === undefined ? existing(besides) : resolve(cwd, record),
  };
}

function existing(path: string): string | undefined {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ? path : undefined;
}

function readFile(path: string): Buffer {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat?.isFile()) throw new MaestroError('FILE_NOT_READABLE', `expected a file at ${path}`);
  if (stat.size > FILE_BYTES_MAX)
    throw new MaestroError('FILE_TOO_LARGE', `${path} has ${stat.size} bytes, expected at most ${FILE_BYTES_MAX}`);
  return readFileSync(path);
}

/** A key that the reader names is part of the request; one that came with the receipt is part of what is verified. */
function readKey({ key, isKeyGiven }: ReceiptFiles): string {
  const pem = readFile(key).toString('utf8');
  if (isKeyGiven && readPublicKey(pem) === undefined)
    throw new MaestroError(
      'KEY_INVALID',
      `expected one P-256 public key in PEM (-----BEGIN PUBLIC KEY-----) in ${key}`,
    );
  return pem;
}

function verifiedDocument({ payloadSha256, keyHint, statement }: VerifiedReceipt, files: ReceiptFiles): object {
  const { run, stepCount } = statement.predicate;
  return {
    isValid: true,
    payloadSha256,
    keyHint,
    isKeyTrusted: files.isKeyGiven,
    isRunRecordChecked: files.runRecord !== undefined,
    run: {
      id: run.id,
      attempt: run.attempt,
      pipeline: run.pipeline.name,
      status: run.status,
      finishedOn: run.finishedOn,
    },
    stepCount,
    subjects: statement.subject,
  };
}

function showVerified(verified: VerifiedReceipt, files: ReceiptFiles, { output }: CommandContext): void {
  const { predicate, subject } = verified.statement;
  const { run, stepCount } = predicate;
  const { paint } = output;
  output.line(
    `${paint.green(paint.bold('valid'))}: run ${safeText(run.id)} of ${safeText(run.pipeline.name)} ${safeText(run.status)}`,
  );
  output.line(`  ended    ${safeText(run.finishedOn)}, attempt ${run.attempt}, ${plural(stepCount, 'step')}`);
  output.line(
    `  source   ${safeText(run.source.uri)}${run.source.gitCommit ? ` @ ${safeText(run.source.gitCommit)}` : ''}`,
  );
  output.line(`  proves   ${subject.map(({ name }) => safeText(name)).join(', ')}`);
  output.line(`  receipt  sha256:${verified.payloadSha256}`);
  output.line(`  key      ${safeText(verified.keyHint)}`);
  if (files.runRecord === undefined) output.note('no run record was given: only the bundle was checked');
  if (files.isKeyGiven) return;
  output.note('the key came with the receipt: this shows that nothing was changed, not who signed it');
  output.next('maestro verify PATH --key FILE, with a key that you got from its owner');
}
