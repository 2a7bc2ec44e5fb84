import { resolve } from 'node:path';
import { parseDuration } from '../../base/duration.ts';
import { MaestroError } from '../../base/errors.ts';
import type { EvidenceDesk, EvidenceReader } from '../../protocol/evidence.ts';
import { openCheckpoint } from '../../provenance/evidence-log/checkpoint.ts';
import { readVerifierKey } from '../../provenance/evidence-log/note-key.ts';
import type { Arguments } from '../arguments.ts';
import type { Command } from '../command.ts';
import type { CommandContext } from '../context.ts';
import { withMaestro } from '../drive-run.ts';
import { readKeptCheckpoint, readLogKeyFile } from '../evidence-files.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { type AuditReport, type AuditRequest, auditRegister } from '../register/audit-register.ts';
import { openExportPlace, readExportPlace } from '../register/export-place.ts';
import { exportProgress } from '../register/export-progress.ts';
import { exportRegister } from '../register/export-register.ts';
import { registerAtServer } from '../register/register-at-server.ts';
import { registerAtTiles } from '../register/register-at-tiles.ts';
import { safeText } from '../terminal-text.ts';

export const evidence: Command = (args, context) => {
  const [deed, target, more] = args.positionals;
  if (more !== undefined || (target !== undefined && deed !== 'export'))
    throw new MaestroError('USAGE', `expected nothing after '${deed}', got '${more ?? target}'`);
  if (deed === 'checkpoint') return atRegister(args, context, ({ reader }) => showCheckpoint(reader, args, context));
  if (deed === 'audit' && args.has('export')) return auditExport(args, context);
  if (deed === 'audit') return atRegister(args, context, (register) => audit(register, args, context));
  if (deed === 'export') return atRegister(args, context, ({ reader }) => exportTo(target, reader, args, context));
  throw new MaestroError(
    'USAGE',
    `expected \`maestro evidence checkpoint\`, \`audit\` or \`export\`, got '${deed ?? ''}'`,
  );
};

interface Register {
  readonly reader: EvidenceReader;
  /** Absent for the register of a server. */
  readonly store: EvidenceDesk | undefined;
}

function atRegister(
  args: Arguments,
  context: CommandContext,
  act: (register: Register) => Promise<ExitCode>,
): Promise<ExitCode> {
  const server = args.text('server');
  if (server !== undefined) return act({ reader: registerAtServer(server, context.fetch), store: undefined });
  return withMaestro(context, {}, ({ client }) => act({ reader: client.evidence, store: client.evidence }));
}

async function showCheckpoint(reader: EvidenceReader, args: Arguments, context: CommandContext): Promise<ExitCode> {
  const { checkpoint: note, verifierKey } = await reader.checkpoint();
  const { key = readVerifierKey(verifierKey) } = trustOf(args, context);
  const { origin, size, root } = openCheckpoint(note, key);
  const { output } = context;
  if (output.isJson)
    output.json({ origin, size, root: Buffer.from(root).toString('base64'), verifierKey, checkpoint: note });
  else output.raw(note.split('\n').map(safeText).join('\n'));
  return EXIT.ok;
}

/** An export names no key: it is held against one that the auditor has. */
async function auditExport(args: Arguments, context: CommandContext): Promise<ExitCode> {
  const { key } = trustOf(args, context);
  if (key === undefined) throw new MaestroError('USAGE', 'expected --log-key with --export: an export brings no key');
  if (args.has('server')) throw new MaestroError('USAGE', 'expected --export or --server, not both');
  const exported = await registerAtTiles(await readExportPlace(args.text('export') ?? '', args, context), key);
  return audit({ ...exported, store: undefined }, args, context);
}

type Audited = Pick<AuditRequest, 'reader' | 'store' | 'damage'> & { readonly shown?: string | undefined };

async function audit({ shown, ...register }: Audited, args: Arguments, context: CommandContext): Promise<ExitCode> {
  const { key } = trustOf(args, context);
  const files = args.list('checkpoint').map((file) => resolve(context.cwd, file));
  const report = await auditRegister({
    ...register,
    key,
    kept: [...(shown === undefined ? [] : [shown]), ...files.map(readKeptCheckpoint)],
    openSinceMs: openSinceOf(args, context),
  });
  const facts = { isKeyTrusted: key !== undefined, kept: files.length, isStoreCompared: register.store !== undefined };
  if (context.output.isJson) context.output.json(auditDocument(report, facts));
  else showAudit(report, facts, context);
  return report.found === 0 ? EXIT.ok : EXIT.unverified;
}

interface AuditFacts {
  readonly isKeyTrusted: boolean;
  readonly kept: number;
  readonly isStoreCompared: boolean;
}

function auditDocument({ checkpoint, ...report }: AuditReport, facts: AuditFacts): object {
  const { origin, size, root } = checkpoint;
  return { isValid: report.found === 0, origin, size, root: Buffer.from(root).toString('base64'), ...facts, ...report };
}

function showAudit(report: AuditReport, facts: AuditFacts, { output }: CommandContext): void {
  const { paint } = output;
  const { checkpoint, findings, found } = report;
  for (const { code, message } of findings) output.line(`${paint.red(code)}: ${safeText(message)}`);
  if (found > findings.length) output.line(`and ${found - findings.length} more`);
  const size = `${leaves(checkpoint.size)} of ${safeText(checkpoint.origin)}`;
  const verdict = found === 0 ? paint.green(paint.bold('whole')) : paint.red(paint.bold('not whole'));
  output.line(`${verdict}: ${size}`);
  output.line(`  runs         ${report.runs}, ${report.openRuns} not over`);
  output.line(`  checkpoints  ${facts.kept} that you kept`);
  if (!facts.isStoreCompared) output.note('only the register was read: what its store says of runs was not compared');
  if (facts.kept === 0) output.note('without a checkpoint of yours, a register that was written anew looks whole');
  if (!facts.isKeyTrusted) output.note('the key came with the register: give the one that you trust with --log-key');
  if (found === 0) output.next('maestro evidence checkpoint > FILE, and give FILE to the next audit with --checkpoint');
}

async function exportTo(
  target: string | undefined,
  reader: EvidenceReader,
  args: Arguments,
  context: CommandContext,
): Promise<ExitCode> {
  if (target === undefined) throw new MaestroError('USAGE', 'expected DIR or s3://BUCKET/PREFIX after `export`');
  const store = await openExportPlace(target, args, context);
  const request = { reader, ...trustOf(args, context), onProgress: exportProgress(context) };
  const { checkpoint, before } = await exportRegister(request, store);
  const { output } = context;
  const { origin, size } = checkpoint;
  if (output.isJson) output.json({ target: store.name, origin, size, before });
  else
    output.line(
      `exported ${leaves(size - before)} to ${safeText(store.name)}, which has ${size} of ${safeText(origin)}`,
    );
  return EXIT.ok;
}

function trustOf(args: Arguments, { cwd }: CommandContext) {
  const file = args.text('log-key');
  return { key: file === undefined ? undefined : readLogKeyFile(resolve(cwd, file)) };
}

function openSinceOf(args: Arguments, { clock }: CommandContext): number | undefined {
  const text = args.text('open-max');
  if (text === undefined) return undefined;
  const ms = parseDuration(text);
  if (ms === undefined)
    throw new MaestroError('USAGE', `expected --open-max with a duration such as 7d, got '${text}'`);
  return clock.now() - ms;
}

function leaves(count: number): string {
  return `${count} ${count === 1 ? 'leaf' : 'leaves'}`;
}
