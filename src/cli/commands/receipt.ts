import { statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { isMaestroError } from '../../base/errors.ts';
import type { Client } from '../../protocol/client.ts';
import type { Command } from '../command.ts';
import { withMaestro } from '../drive-run.ts';
import { EXIT } from '../exit-codes.ts';
import { writeFolder } from '../folder-files.ts';
import { shortRunId } from '../format.ts';

export const receipt: Command = async (args, context) =>
  withMaestro(context, {}, async ({ client }) => {
    const { id } = await client.readRun(args.required(0));
    const { runRecord, bundle, publicKey, payloadSha256 } = await client.readReceipt(id);
    const folder = resolve(context.cwd, args.text('output') ?? `receipt-${shortRunId(id)}`);
    const logged = await loggedFiles(client, id);
    const files = { 'run.json': runRecord, 'receipt.sigstore.json': bundle, 'maestro.pub': publicKey };
    writeFolder(folder, files);
    // A later proof is another text, and as good: the register has grown meanwhile.
    if (logged) writeNew(folder, logged);
    const { output } = context;
    if (output.isJson) {
      output.json({ run: id, directory: folder, files: Object.keys({ ...files, ...logged }), payloadSha256 });
      return EXIT.ok;
    }
    const shown = relative(context.cwd, folder) || '.';
    output.line(`wrote ${Object.keys({ ...files, ...logged }).join(', ')} to ${shown}`);
    if (!logged) output.note('the receipt is not in the register yet: ask again for its proof');
    output.line(output.paint.dim(`receipt sha256:${payloadSha256}`));
    output.next(`maestro verify ${shown}`);
    return EXIT.ok;
  });

/** The proof that the register has the receipt, and whose register it is; undefined where it has not, or not yet. */
async function loggedFiles(client: Client, runId: string): Promise<Readonly<Record<string, string>> | undefined> {
  try {
    const { close, verifierKey } = await client.evidence.awaitProofs(runId);
    return close ? { 'receipt.tlog-proof': close.proof, 'log.pub': `${verifierKey}\n` } : undefined;
  } catch (error) {
    if (isMaestroError(error, 'EVIDENCE_NOT_FOUND')) return undefined;
    throw error;
  }
}

function writeNew(folder: string, files: Readonly<Record<string, string>>): void {
  writeFolder(
    folder,
    Object.fromEntries(
      Object.entries(files).filter(([name]) => !statSync(join(folder, name), { throwIfNoEntry: false })),
    ),
  );
}
