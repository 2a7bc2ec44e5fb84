import { MaestroError } from '../base/errors.ts';
import type { MadeArtifact, WantedArtifact } from '../protocol/lease.ts';
import { ARTIFACTS_MAX } from '../protocol/outcome.ts';
import type { Session } from '../store/database.ts';
import { loadOutcomes } from '../store/run-rows.ts';
import { type CompiledPlan, stepAt } from './compiled-plan.ts';
import { readNote } from './outcome-note.ts';
import { ancestorsOf } from './promoted.ts';

/**
 * Artifacts of one name that the steps before a step have left behind, in the order of the plan. A step that it does not need
 * is not asked: whether that one has ended would be chance.
 *
 * @throws MaestroError OUTPUT_TOO_LARGE for more files than one step may have
 */
export async function madeArtifacts(
  session: Session,
  compiled: CompiledPlan,
  { run, idx }: { readonly run: number; readonly idx: number },
  wanted: WantedArtifact,
): Promise<readonly MadeArtifact[]> {
  const makers = makersOf(compiled, idx, wanted.from);
  if (makers.length === 0) return [];
  const rows = await loadOutcomes(
    session,
    makers.map((maker) => ({ run, idx: maker })),
  );
  const made = [...rows]
    .sort((a, b) => a.idx - b.idx)
    .flatMap((row): readonly MadeArtifact[] => {
      const step = stepAt(compiled, row.idx).id;
      const own = (readNote(row.outcome).artifacts ?? []).filter(({ name }) => name === wanted.name);
      return own.map(({ name, path, digest, sizeBytes }) => ({ step, name, path, digest, sizeBytes }));
    });
  if (made.length > ARTIFACTS_MAX)
    throw new MaestroError(
      'OUTPUT_TOO_LARGE',
      `expected at most ${ARTIFACTS_MAX} files of artifact ${wanted.name}, found ${made.length}: say from which step`,
    );
  return made;
}

function makersOf(compiled: CompiledPlan, idx: number, from: string | undefined): readonly number[] {
  const before = ancestorsOf(compiled, stepAt(compiled, idx)).flatMap((id) => compiled.indexById.get(id) ?? []);
  if (from === undefined) return before;
  return before.filter((maker) => {
    const { id, base } = stepAt(compiled, maker);
    return id === from || base === from;
  });
}
