import { isMaestroError } from '../../base/errors.ts';
import type { CheckBoard } from '../../protocol/check.ts';
import type { ReleaseBoard } from '../../protocol/release-board.ts';
import type { ReleaseAsset, ReleaseEvidence, ReleaseGate } from '../../protocol/release-evidence.ts';
import { isRunFinal } from '../../protocol/run.ts';
import type { TellRun } from '../report/reporter.ts';
import { releasedBeforeCheck } from './release-check.ts';
import { type Releasing, releaseOf, releasingOf } from './release-of.ts';

export interface ReleaseTellerOptions {
  readonly board: ReleaseBoard;
  readonly checks: CheckBoard;
  readonly evidence: ReleaseEvidence;
}

/** Puts on the board what the page of a release should hold: a draft when its run starts, and all of it when the gate has passed. */
export function openReleaseTeller({ board, checks, evidence }: ReleaseTellerOptions): TellRun {
  return async ({ place, run, plan, version }) => {
    const releasing = releasingOf(run, plan, place);
    if (!releasing) return;
    const judged = isRunFinal(run.status) ? await judge(evidence, releasing) : undefined;
    const spec = releaseOf(releasing, judged?.gate ?? null, judged?.assets ?? []);
    const publisher = await board.putRelease(place, spec, version);
    if (publisher !== null && isRunFinal(run.status)) await checks.put(place, releasedBeforeCheck(spec, publisher));
  };
}

async function judge(
  evidence: ReleaseEvidence,
  { run, wish }: Releasing,
): Promise<{ readonly gate: ReleaseGate; readonly assets: readonly ReleaseAsset[] } | undefined> {
  const gate = await evidence.gate(run.id);
  if (!gate?.isPassed) return gate && { gate, assets: [] };
  try {
    return { gate, assets: await evidence.assets(run.id, wish) };
  } catch (error) {
    if (!isMaestroError(error, 'ARTIFACT_NOT_FOUND')) throw error;
    return { gate: { ...gate, isPassed: false, reasons: [error.message] }, assets: [] };
  }
}
