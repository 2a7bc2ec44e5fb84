import { ERROR_CODES, type ErrorCode } from '../../base/error-codes.ts';
import { isMaestroError, type MaestroError } from '../../base/errors.ts';
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
  /** Hears why a run could not be judged that is to be judged again. */
  readonly onError: (error: unknown) => void;
}

/** The same run is judged otherwise when somebody has put another key in its place. */
const PASSING: readonly ErrorCode[] = ['KEY_RETIRED'];

/** Puts on the board what the page of a release should hold: a draft when its run starts, and all of it when the gate has passed. */
export function openReleaseTeller({ board, checks, evidence, onError }: ReleaseTellerOptions): TellRun {
  return async ({ place, run, plan, version }) => {
    const releasing = releasingOf(run, plan, place);
    if (!releasing) return;
    const judged = isRunFinal(run.status) ? await judge(evidence, releasing, onError) : undefined;
    const spec = releaseOf(releasing, judged?.gate ?? null, judged?.assets ?? []);
    const publisher = await board.putRelease(place, spec, version);
    if (publisher !== null && isRunFinal(run.status)) await checks.put(place, releasedBeforeCheck(spec, publisher));
  };
}

interface Judged {
  readonly gate: ReleaseGate;
  readonly assets: readonly ReleaseAsset[];
}

/**
 * Undefined where there is no verdict yet. What fails the same way each time is one: the page says it. What passes leaves the page
 * waiting, and the watch over releases judges again.
 */
async function judge(
  evidence: ReleaseEvidence,
  { run, wish }: Releasing,
  onError: ReleaseTellerOptions['onError'],
): Promise<Judged | undefined> {
  let gate: ReleaseGate | undefined;
  try {
    gate = await evidence.gate(run.id);
    return gate && { gate, assets: gate.isPassed ? await evidence.assets(run.id, wish) : [] };
  } catch (error) {
    if (isLasting(error)) {
      const reasons = [`${error.code}: ${error.message}`];
      return { gate: { papers: [], ...gate, isPassed: false, reasons }, assets: [] };
    }
    onError(error);
    return undefined;
  }
}

function isLasting(error: unknown): error is MaestroError {
  return isMaestroError(error) && !ERROR_CODES[error.code].isRetryable && !PASSING.includes(error.code);
}
