import { isoTime } from '../base/clock.ts';
import type { Digest } from '../base/digest.ts';
import { MaestroError } from '../base/errors.ts';
import type { BuildFacts } from '../provenance/attestations/build-provenance.ts';
import type { IssuerFact } from '../provenance/facts.ts';
import type { LeftArtifacts } from '../store/attestations.ts';
import type { Database } from '../store/database.ts';
import { loadRuns } from '../store/run-rows.ts';
import { stepAt } from './compiled-plan.ts';
import { ancestorsOf } from './promoted.ts';
import type { RunEntry } from './run-entry.ts';

/**
 * How contents came to be, while their run still goes on: the steps that left them and those that these need. What none of
 * them left is of the asking step itself, whose end nobody knows yet.
 * @param idx of the asking step
 * @param left by the steps that it needs
 */
export async function buildFacts(
  { db, issuer }: { readonly db: Database; readonly issuer: IssuerFact },
  entry: RunEntry,
  idx: number,
  left: readonly LeftArtifacts[],
  digests: ReadonlySet<Digest>,
): Promise<BuildFacts> {
  const [row] = await loadRuns(db, [entry.id]);
  if (!row) throw new MaestroError('INTERNAL', `run ${entry.key} has no row`);
  const { compiled, trigger } = entry;
  const { plan } = compiled;
  const makers = left.filter(({ artifacts }) => artifacts.some(({ digest }) => digests.has(digest)));
  const found = new Set(makers.flatMap(({ artifacts }) => artifacts.map(({ digest }) => digest)));
  const isOwn = [...digests].some((digest) => !found.has(digest));
  const finishedAt = Math.max(...makers.map((one) => one.finishedAt?.getTime() ?? 0));
  return {
    runId: entry.key,
    attempt: row.attempt,
    pipeline: { name: plan.name, uri: trigger.source.uri, path: plan.source.path, digest: plan.source.digest },
    params: plan.params,
    triggerType: trigger.type,
    source: trigger.source,
    planDigest: compiled.digest,
    steps: stepsOf(entry, [...makers.map((one) => one.idx), ...(isOwn ? [idx] : [])], left),
    startedOn: row.startedAt === null ? null : isoTime(row.startedAt.getTime()),
    finishedOn: isOwn ? null : isoTime(finishedAt),
    issuer,
  };
}

/** The given steps and all that they need, in the plan's order. */
function stepsOf({ compiled }: RunEntry, idxs: readonly number[], left: readonly LeftArtifacts[]): BuildFacts['steps'] {
  const led = new Set(idxs);
  for (const idx of idxs)
    for (const id of ancestorsOf(compiled, stepAt(compiled, idx))) led.add(compiled.indexById.get(id) ?? idx);
  const logs = new Map(left.map(({ idx, logDigest }) => [idx, logDigest]));
  return [...led]
    .sort((a, b) => a - b)
    .map((idx) => {
      const { id, code } = stepAt(compiled, idx);
      return { id, code: { uri: code.uri, digest: code.digest ?? null }, logDigest: logs.get(idx) ?? null };
    });
}
