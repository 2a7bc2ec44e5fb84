import { readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import process from 'node:process';
import { MaestroError } from '../../src/base/errors.ts';
import { VerificationError } from '../../src/provenance/verification-error.ts';
import { type VerifiedReceipt, verifyReceipt } from '../../src/provenance/verify.ts';
import { failJob } from '../fail-job.ts';
import { input, type JobEnvironment, requiredInput, requiredVariable, takeEnvironment } from '../job-environment.ts';
import { addSummary, setOutput, tableCell } from '../job-log.ts';

/** Above the verifier's own limit, so that it is the verifier who refuses. */
const FILE_BYTES_MAX = 64 * 1024 * 1024;

try {
  const env = takeEnvironment();
  const verified = verify(env);
  const { run } = verified.statement.predicate;
  setOutput(env, 'run-id', run.id);
  setOutput(env, 'status', run.status);
  setOutput(env, 'payload-sha256', verified.payloadSha256);
  const text = `valid: run ${run.id} of ${run.pipeline.name} ${run.status}, receipt sha256:${verified.payloadSha256}`;
  process.stdout.write(`${text.replaceAll(/[\r\n]/g, ' ')}\n`);
  addSummary(env, `### Maestro receipt\n\n${tableCell(text)}`);
} catch (error) {
  if (error instanceof VerificationError) failJob(`Maestro verify: ${error.code}`, error);
  else failJob('Maestro verify', error);
}

function verify(env: JobEnvironment): VerifiedReceipt {
  const root = requiredVariable(env, 'GITHUB_WORKSPACE');
  const given = resolve(root, requiredInput(env, 'receipt'));
  const bundle = statSync(given, { throwIfNoEntry: false })?.isDirectory()
    ? join(given, 'receipt.sigstore.json')
    : given;
  const named = input(env, 'run-record');
  const beside = join(dirname(bundle), 'run.json');
  const record = named === '' ? (isFile(beside) ? beside : undefined) : resolve(root, named);
  const runId = input(env, 'run-id');
  const verified = verifyReceipt({
    bundle: read(bundle),
    key: read(resolve(root, requiredInput(env, 'key'))).toString('utf8'),
    ...(record === undefined ? {} : { runRecord: read(record) }),
    ...(runId === '' ? {} : { expected: { runId } }),
  });
  checkCommit(verified, input(env, 'commit'));
  return verified;
}

function checkCommit({ statement }: VerifiedReceipt, expected: string): void {
  const { gitCommit } = statement.predicate.run.source;
  if (expected !== '' && gitCommit !== expected)
    throw new MaestroError(
      'RECEIPT_INVALID',
      `expected a run of commit ${expected}, got one of ${gitCommit ?? 'no commit'}`,
    );
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

function read(path: string): Buffer {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat?.isFile()) throw new MaestroError('FILE_NOT_READABLE', `expected a file at ${path}`);
  if (stat.size > FILE_BYTES_MAX)
    throw new MaestroError('FILE_TOO_LARGE', `${path} has ${stat.size} bytes, expected at most ${FILE_BYTES_MAX}`);
  return readFileSync(path);
}
