import { resolve } from 'node:path';
import { readArchive } from '../../provenance/disclosure/archive.ts';
import { keysInside } from '../../provenance/disclosure/pack-files.ts';
import { type VerifiedDisclosure, verifyDisclosure } from '../../provenance/disclosure/verify-disclosure.ts';
import type { VerifyRequest } from '../../provenance/verify.ts';
import type { Arguments } from '../arguments.ts';
import type { CommandContext } from '../context.ts';
import { readLogKeyFile } from '../evidence-files.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { plural } from '../finding-text.ts';
import { safeText } from '../terminal-text.ts';
import { noteLogKey } from '../verify/check-logged.ts';
import { checkRelated, otherByKey, relatedLine } from '../verify/check-related.ts';
import { expectedRun } from '../verify/expected-run.ts';

/** Whom to trust. Undefined: the keys in the pack, which show that nothing was changed, not who signed. */
interface TrustedBy {
  readonly key: VerifyRequest['key'] | undefined;
  /** Path of the register's key. */
  readonly logKey: string | undefined;
}

export async function verifyArchive(
  archive: Buffer,
  { key, logKey }: TrustedBy,
  args: Arguments,
  context: CommandContext,
): Promise<ExitCode> {
  const given = logKey === undefined ? {} : { logKey: readLogKeyFile(resolve(context.cwd, logKey)) };
  const trusted = key ?? (await keysOf(archive));
  const verified = await verifyDisclosure({ archive, key: trusted, expected: expectedRun(args), ...given });
  const relatedCount = await checkRelated(verified.receipt, args, context.cwd, otherByKey(trusted));
  if (args.has('secret')) (await import('../verify/check-secrets.ts')).checkSecrets(verified.files, args, context);
  const trust = { isKeyTrusted: key !== undefined, isLogKeyTrusted: logKey !== undefined, relatedCount };
  if (context.output.isJson) context.output.json(verifiedDocument(verified, trust));
  else show(verified, trust, context);
  return EXIT.ok;
}

/** Which of the keys the reader named, and how many receipts beside this one. */
interface Trust {
  readonly isKeyTrusted: boolean;
  readonly isLogKeyTrusted: boolean;
  readonly relatedCount: number;
}

async function keysOf(archive: Uint8Array): Promise<VerifyRequest['key']> {
  return keysInside((await readArchive(archive)).files);
}

function verifiedDocument(
  { receipt, manifest, files, logged }: VerifiedDisclosure,
  { isKeyTrusted, isLogKeyTrusted, relatedCount }: Trust,
): object {
  const { run } = receipt.statement.predicate;
  return {
    isValid: true,
    payloadSha256: receipt.payloadSha256,
    keyHint: receipt.keyHint,
    isKeyTrusted,
    run: { id: run.id, attempt: run.attempt, pipeline: run.pipeline.name, status: run.status },
    files: files.size,
    decisions: manifest.policy.decisions.length,
    replayableDecisions: replayable(manifest),
    attestations: manifest.attestations,
    relatedReceipts: relatedCount,
    log: logged
      ? {
          origin: logged.checkpoint.origin,
          index: logged.index,
          size: logged.checkpoint.size,
          isKeyTrusted: isLogKeyTrusted,
        }
      : null,
  };
}

function show(
  { receipt, manifest, files, logged }: VerifiedDisclosure,
  { isKeyTrusted, isLogKeyTrusted, relatedCount }: Trust,
  { output }: CommandContext,
): void {
  const { paint } = output;
  const { run } = receipt.statement.predicate;
  output.line(
    `${paint.green(paint.bold('valid'))}: disclosure of run ${safeText(run.id)} of ${safeText(run.pipeline.name)}, ${safeText(run.status)}`,
  );
  output.line(`  receipt  sha256:${receipt.payloadSha256}`);
  output.line(`  key      ${safeText(receipt.keyHint)}`);
  output.line(`  holds    ${plural(files.size, 'file')}, each of them signed for`);
  const decisions = manifest.policy.decisions.length;
  output.line(`  policy   ${plural(decisions, 'decision')}, ${replayable(manifest)} of which opa can be asked again`);
  if (logged)
    output.line(`  register leaf ${logged.index} of ${logged.checkpoint.size}, ${safeText(logged.checkpoint.origin)}`);
  if (manifest.attestations.length > 0)
    output.line(
      `  signed   ${[...new Set(manifest.attestations.map(({ predicateType }) => safeText(predicateType)))].join(', ')}`,
    );
  if (relatedCount > 0) output.line(relatedLine(relatedCount));
  if (logged && !isLogKeyTrusted) noteLogKey(output);
  if (isKeyTrusted) return;
  output.note('the key came with the pack: this shows that nothing was changed, not who signed it');
  output.next('maestro verify PATH --key FILE, with a key that you got from its owner');
}

function replayable({ policy }: VerifiedDisclosure['manifest']): number {
  return policy.decisions.filter(({ isReplayable }) => isReplayable).length;
}
