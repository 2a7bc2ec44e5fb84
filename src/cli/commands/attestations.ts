import { relative, resolve } from 'node:path';
import type { JsonObject } from '../../base/json.ts';
import type { RunAttestation } from '../../protocol/attestation.ts';
import { kindOfPredicate, PREDICATE_TYPES } from '../../provenance/attestations/predicate-types.ts';
import { envelopeIn } from '../../provenance/envelope.ts';
import type { Command } from '../command.ts';
import { withMaestro } from '../drive-run.ts';
import { EXIT } from '../exit-codes.ts';
import { plural } from '../finding-text.ts';
import { writeFolder } from '../folder-files.ts';
import { shortRunId } from '../format.ts';
import type { Output } from '../output.ts';
import { safeText } from '../terminal-text.ts';
import { textTable } from '../text-table.ts';

export const attestations: Command = async (args, context) =>
  withMaestro(context, {}, async ({ client }) => {
    const { id } = await client.readRun(args.required(0));
    const found = await client.readAttestations(id);
    const { output, terminal } = context;
    const target = args.text('output');
    const folder = target === undefined ? undefined : resolve(context.cwd, target);
    const files = folder === undefined ? {} : filesOf(found);
    if (folder !== undefined) writeFolder(folder, files);
    if (output.isJson) {
      const where = folder === undefined ? {} : { directory: folder, files: Object.keys(files) };
      output.json({ run: id, ...where, attestations: found.map(describe) });
      return EXIT.ok;
    }
    showAll(found, id, output, terminal.size().columns);
    if (folder !== undefined)
      output.line(`wrote ${plural(Object.keys(files).length, 'file')} to ${relative(context.cwd, folder) || '.'}`);
    return EXIT.ok;
  });

/** Everything but the bundle, which is a file. */
function describe({ step, predicateType, subjects, payloadSha256, signedAt }: RunAttestation): JsonObject {
  return { step, kind: kindOf(predicateType), predicateType, subjects, payloadSha256, signedAt };
}

function kindOf(predicateType: string): string {
  return kindOfPredicate(predicateType) ?? predicateType;
}

function showAll(found: readonly RunAttestation[], run: string, output: Output, columns: number): void {
  if (found.length === 0) return output.line(`run ${shortRunId(run)} has no attestations`);
  const rows = found.map((one) => [
    kindOf(one.predicateType),
    safeText(one.step ?? 'maestro'),
    one.subjects.map((digest) => digest.slice(0, 'sha256:'.length + 12)).join(' '),
  ]);
  for (const line of textTable([['KIND', 'BY', 'ABOUT'], ...rows], columns)) output.line(line);
}

/** Names that every file system takes: ids of steps may hold anything. */
const ODD = /[^A-Za-z0-9._-]+/g;

/** A bundle for each statement, numbered as they were signed; what slsa-verifier reads; and the key, which must come another way to prove who signed. */
function filesOf(found: readonly RunAttestation[]): Readonly<Record<string, string>> {
  const files: Record<string, string> = {};
  found.forEach(({ step, predicateType, bundle }, i) => {
    const number = String(i + 1).padStart(2, '0');
    const name = `${number}-${step ?? 'maestro'}-${kindOf(predicateType)}`.replace(ODD, '_');
    files[`${name}.sigstore.json`] = bundle;
    if (predicateType === PREDICATE_TYPES['verification-summary']) files['vsa.json'] = envelopeIn(bundle);
  });
  const keys = [...new Set(found.map(({ publicKey }) => publicKey))];
  keys.forEach((key, i) => (files[i === 0 ? 'maestro.pub' : `maestro-${i + 1}.pub`] = key));
  return files;
}
