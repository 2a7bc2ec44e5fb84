import { resolve } from 'node:path';
import { MaestroError } from '../../base/errors.ts';
import { type ExpectedRun, type VerifiedReceipt, verifyReceipt } from '../../provenance/verify.ts';
import type { Arguments } from '../arguments.ts';
import type { Command } from '../command.ts';
import type { CommandContext } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { plural } from '../finding-text.ts';
import type { Output } from '../output.ts';
import {
  BUNDLE_NAME,
  findReceiptFiles,
  isArchive,
  KEYLESS_BUNDLE_NAME,
  type ReceiptFiles,
  readKeys,
  readReceiptFile,
  receiptFilesAt,
  recordOf,
} from '../receipt-files.ts';
import { safeText } from '../terminal-text.ts';
import { checkBeside, type FilesBeside } from '../verify/check-beside.ts';
import { checkLogged, type LoggedReceipt, noteLogKey } from '../verify/check-logged.ts';
import { checkRelated, otherByKey, relatedLine } from '../verify/check-related.ts';
import { expectedRun } from '../verify/expected-run.ts';
import { isTrustInFolder, readBeside } from '../verify/read-beside.ts';
import { verifyStatement } from './verify-attestation.ts';
import { verifyArchive } from './verify-disclosure.ts';

/** What was verified, and who vouches for it. */
interface Verified extends Omit<VerifiedReceipt, 'keyHint'> {
  readonly files: ReceiptFiles;
  readonly signer: Signer;
  /** Where it stands in the register; undefined where nothing shows that. */
  readonly logged: LoggedReceipt | undefined;
  /** What the reader trusts lies in the folder that was verified. */
  readonly isKeyInFolder: boolean;
  /** Undefined where no folder was asked about. */
  readonly beside: FilesBeside | undefined;
  /** Receipts that it was held against. */
  readonly relatedCount: number;
}

type Signer =
  | { readonly keyHint: string; readonly isKeyTrusted: boolean }
  | { readonly certificateIdentity: string; readonly certificateIssuer: string };

const CERTIFICATE_FLAGS = ['certificate-identity', 'certificate-oidc-issuer', 'trusted-root'];

export const verify: Command = async (args, context) => {
  if (args.has('bundle') || args.has('type')) return verifyStatement(args, context);
  if (CERTIFICATE_FLAGS.some((name) => args.has(name)))
    return show(await verifyByCertificate(args, context), args, context);
  const files = findReceiptFiles(args, context.cwd, BUNDLE_NAME);
  const bytes = readReceiptFile(files.bundle);
  const hasKey = args.has('key') || args.has('keys');
  if (isArchive(bytes)) {
    const key = hasKey ? readKeys(args, context.cwd, files).key : undefined;
    return verifyArchive(bytes, { key, logKey: args.text('log-key') }, args, context);
  }
  const { key, isGiven } = readKeys(args, context.cwd, files);
  const expected = expectedRun(args);
  const { keyHint, ...verified } = verifyReceipt({ bundle: bytes, key, expected, ...recordOf(files) });
  const logged = checkLogged(verified, files, args.text('log-key'), context.cwd);
  const read = readBeside(files, args, context.cwd, logged !== undefined);
  const request = { folder: files.folder, receipt: verified, key, isKeyGiven: isGiven, read };
  const beside = files.isFolder ? await checkBeside(request) : undefined;
  const relatedCount = await checkRelated(verified, args, context.cwd, otherByKey(key));
  const signer = { keyHint, isKeyTrusted: isGiven };
  const isInside = isTrustInFolder(files, args, context.cwd);
  return show({ ...verified, files, logged, isKeyInFolder: isInside, beside, relatedCount, signer }, args, context);
};

async function show(verified: Verified, args: Arguments, context: CommandContext): Promise<ExitCode> {
  if (args.has('secret')) await checkFiles(verified.files, args, context);
  if (context.output.isJson) context.output.json(verifiedDocument(verified));
  else showVerified(verified, context);
  return EXIT.ok;
}

/** Of a folder all of it: whoever hands it on hands on more than the receipt. Loaded only here, as little else of it is needed. */
async function checkFiles(files: ReceiptFiles, args: Arguments, context: CommandContext): Promise<void> {
  const { checkSecrets, checkSecretsBelow } = await import('../verify/check-secrets.ts');
  if (files.isFolder) await checkSecretsBelow(files.folder, args, context);
  const { bundle, runRecord = bundle } = files;
  checkSecrets(new Map([bundle, runRecord].map((path) => [path, readReceiptFile(path)])), args, context);
}

/** Half of an identity is none: whoever names one of the three must name all. */
async function verifyByCertificate(args: Arguments, { cwd }: CommandContext): Promise<Verified> {
  if (args.has('key') || args.has('keys'))
    throw new MaestroError('USAGE', 'expected a key or the identity of a certificate, got both');
  const [certificateIdentity, certificateIssuer, root] = CERTIFICATE_FLAGS.map((name) => {
    const text = args.text(name);
    if (text === undefined || text === '')
      throw new MaestroError(
        'USAGE',
        `expected --${CERTIFICATE_FLAGS.join(', --')}, all of them: --${name} is missing`,
      );
    return text;
  }) as [string, string, string];
  const files = findReceiptFiles(args, cwd, KEYLESS_BUNDLE_NAME);
  const signer = { certificateIdentity, certificateIssuer };
  const trust = { trustedRoot: readReceiptFile(resolve(cwd, root)), ...signer };
  // Loaded only here: certificates need a library that every other command does without.
  const { verifyKeylessReceipt } = await import('../../provenance/verify-keyless.ts');
  const checked = (files: ReceiptFiles, expected: ExpectedRun) =>
    verifyKeylessReceipt({ bundle: readReceiptFile(files.bundle), ...trust, expected, ...recordOf(files) });
  const verified = checked(files, expectedRun(args));
  const logged = checkLogged(verified, files, args.text('log-key'), cwd);
  // No key is trusted here: statements that one signed are none of what was verified.
  const read = readBeside(files, args, cwd, logged !== undefined);
  const request = { folder: files.folder, receipt: verified, key: [], isKeyGiven: true, read };
  const beside = files.isFolder ? await checkBeside(request) : undefined;
  const other = (path: string) => checked(receiptFilesAt(path, KEYLESS_BUNDLE_NAME), {});
  const relatedCount = await checkRelated(verified, args, cwd, other);
  return { ...verified, files, signer, logged, isKeyInFolder: isTrustInFolder(files, args, cwd), beside, relatedCount };
}

function verifiedDocument(verified: Verified): object {
  const { payloadSha256, statement, files, signer, logged, isKeyInFolder, beside, relatedCount } = verified;
  const { run, stepCount } = statement.predicate;
  return {
    isValid: true,
    payloadSha256,
    ...signer,
    isRunRecordChecked: files.runRecord !== undefined,
    isKeyInFolder,
    log: logged ?? null,
    files: beside ?? null,
    relatedReceipts: relatedCount,
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

function showVerified(verified: Verified, { output }: CommandContext): void {
  const { signer, logged, isKeyInFolder, beside, relatedCount } = verified;
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
  if (beside) showBeside(beside, output);
  output.line(`  receipt  sha256:${verified.payloadSha256}`);
  if (!('keyHint' in signer)) output.line(`  signed   by ${safeText(signer.certificateIdentity)}`);
  else output.line(`  key      ${safeText(signer.keyHint)}`);
  if (logged) output.line(`  register leaf ${logged.index} of ${logged.size}, ${safeText(logged.origin)}`);
  if (relatedCount > 0) output.line(relatedLine(relatedCount));
  noteUnchecked(verified, output);
  if (logged && !logged.isKeyTrusted) noteLogKey(output);
  if (isKeyInFolder) noteKeyInFolder(output);
  if ('keyHint' in signer && !signer.isKeyTrusted) noteKey(output);
}

function showBeside({ held, packFiles }: FilesBeside, output: Output): void {
  if (held.length > 0) output.line(`  holds    ${held.map(safeText).join(', ')}`);
  if (packFiles > 0) output.line(`  pack     ${plural(packFiles, 'file')} of its disclosure, each of them signed for`);
}

function noteKey(output: Output): void {
  output.note('the key came with the receipt: this shows that nothing was changed, not who signed it');
  output.next('maestro verify PATH --key FILE, with a key that you got from its owner');
}

/** All files of a release land in one folder: whoever may attach a file may attach a key. */
function noteKeyInFolder(output: Output): void {
  output.note(
    'the key that you named lies in the folder that was verified, and may have come with it: keep yours elsewhere',
  );
}

function noteUnchecked({ files, beside }: Verified, output: Output): void {
  if (files.runRecord === undefined) output.note('no run record was given: only the bundle was checked');
  if (beside && beside.others.length > 0)
    output.note(`nothing is said here of ${beside.others.map(safeText).join(', ')}`);
}
