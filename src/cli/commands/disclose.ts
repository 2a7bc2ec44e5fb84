import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { digestBytes } from '../../base/digest.ts';
import { MaestroError } from '../../base/errors.ts';
import type { Command } from '../command.ts';
import { withMaestro } from '../drive-run.ts';
import { EXIT } from '../exit-codes.ts';
import { shortRunId } from '../format.ts';

export const disclose: Command = async (args, context) =>
  withMaestro(context, {}, async ({ client }) => {
    const { id } = await client.readRun(args.required(0));
    const path = resolve(context.cwd, args.text('output') ?? `disclosure-${shortRunId(id)}.tgz`);
    const edition = args.has('public') ? 'public' : 'full';
    const archive = await client.readDisclosure(id, edition);
    writeWhole(path, archive);
    const { output } = context;
    const digest = digestBytes(archive);
    if (output.isJson) {
      output.json({ run: id, edition, file: path, sizeBytes: archive.byteLength, digest });
      return EXIT.ok;
    }
    const shown = relative(context.cwd, path);
    output.line(`wrote ${shown} (${Math.ceil(archive.byteLength / 1000)} kB)`);
    output.line(output.paint.dim(digest));
    output.next(`maestro verify ${shown}`);
    return EXIT.ok;
  });

/** The whole file or none, and never over a file with other content: that may be the disclosure of another run. */
function writeWhole(path: string, archive: Uint8Array): void {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat && !(stat.isFile() && readFileSync(path).equals(archive)))
    throw new MaestroError('CONFLICT', `${path} holds something else; choose another file with -o`);
  const draft = `${path}.${process.pid}.part`;
  writeFileSync(draft, archive);
  renameSync(draft, path);
}
