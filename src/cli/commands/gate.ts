import type { ReleaseGateView } from '../../protocol/release.ts';
import type { Command } from '../command.ts';
import { withMaestro } from '../drive-run.ts';
import { EXIT } from '../exit-codes.ts';
import { shortRunId } from '../format.ts';
import type { Output } from '../output.ts';
import { safeText } from '../terminal-text.ts';

export const gate: Command = async (args, context) =>
  withMaestro(context, {}, async ({ client }) => {
    const { id } = await client.readRun(args.required(0));
    const verdict = await client.readReleaseGate(id);
    if (context.output.isJson) {
      const manifest = args.has('manifest') ? { manifest: await client.readManifest(id) } : {};
      context.output.json({ ...verdict, ...manifest });
    } else showVerdict(verdict, context.output);
    return verdict.isPassed ? EXIT.ok : EXIT.failed;
  });

function showVerdict({ run, isPassed, reasons, artifacts }: ReleaseGateView, output: Output): void {
  const { paint } = output;
  const verdict = isPassed ? paint.green(paint.bold('passed')) : paint.red(paint.bold('not passed'));
  output.line(`${verdict}: run ${shortRunId(run)}`);
  for (const { code, message } of reasons) output.line(`  ${code}  ${safeText(message)}`);
  for (const { name, sbom, provenance, riskAssessment } of artifacts) {
    const papers = { sbom, provenance, risk: riskAssessment };
    const held = Object.entries(papers).flatMap(([paper, found]) => (found.length > 0 ? [paper] : []));
    if (held.length > 0) output.line(`  ${safeText(name)}: ${held.join(', ')}`);
  }
}
