import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunView, StepView } from '../../src/protocol/run.ts';
import { maestro, maestroJson, maestroText } from './maestro-command.ts';
import { act, claim } from './narrator.ts';
import type { BusyRegistry } from './registry.ts';
import type { Stage } from './stage.ts';

/** Their results are kept under a digest of the files that they read. */
const CACHED = /^(format|lint|types|unit\[.+\])$/;

/** Everything runs for the first time. Resolves when each claim about it was checked. */
export async function firstRun({ setting, registryUrl, output }: Stage, registry: BusyRegistry): Promise<void> {
  act(
    '1  Run the pipeline',
    'Format, lint, types and a matrix of unit tests side by side; a package registry that is overloaded',
    'at first; then the package itself. The pipeline is .maestro/ci.yaml of this repository.',
  );
  await maestro(setting, ['lint']);
  await maestro(setting, ['run', 'ci', '--param', `registry=${registryUrl}`]);

  const run = await maestroJson<RunView>(setting, ['status', 'latest']);
  const asked = stepOf(run, 'registry');
  const rooms = run.steps.filter(({ id }) => id.startsWith('unit['));
  claim(
    `the matrix became ${rooms.length} steps, and every one passed`,
    rooms.length > 1 && rooms.every(isSuccess),
    statusesOf(run),
  );
  claim('steps ran side by side', haveOverlap(run.steps.filter(({ id }) => CACHED.test(id))));
  claim(
    'the registry answered 503, Maestro waited and asked again, and got its answer',
    isSuccess(asked) && asked.attempts === 2 && registry.answers.join() === '503,404',
    { attempts: asked.attempts, answers: registry.answers },
  );
  claim(
    'nobody asked for a release, so its approval was skipped',
    stepOf(run, 'approval').status === 'skipped',
    statusesOf(run),
  );
  claim('every step that ran was allowed by policy first', run.steps.every(hasConsent));
  writeFileSync(join(output, 'logs.txt'), await maestroText(setting, ['logs', run.id]));
}

/** The same plan again: what nothing changed for comes from the cache. */
export async function replayRun({ setting }: Stage): Promise<void> {
  const first = await maestroJson<RunView>(setting, ['status', 'latest']);
  act(
    '2  Replay it',
    'The stored plan runs again, not the source. Nothing changed, so checks and tests come from the cache.',
  );
  await maestro(setting, ['replay', 'latest']);

  const second = await maestroJson<RunView>(setting, ['status', 'latest']);
  const kept = second.steps.filter(({ id }) => CACHED.test(id));
  claim(
    `all ${kept.length} checks and tests came from the cache`,
    kept.length > 3 && kept.every(({ isCacheHit }) => isCacheHit),
    kept.filter(({ isCacheHit }) => !isCacheHit).map(({ id }) => id),
  );
  claim('both runs executed one plan, named by its digest', first.planDigest === second.planDigest);
  const [before, after] = [packageOf(first), packageOf(second)];
  claim('the package was built twice, and is the same byte by byte', before === after, { before, after });
}

/** A release needs a second person. Resolves with the finished run. */
export async function releaseRun({ setting, registryUrl, output }: Stage): Promise<RunView> {
  act(
    '3  Ask for a release',
    'The run stops where somebody else has to agree. Exit code 4 says so; the state is on disk, and no',
    'process waits.',
  );
  const request = ['ci', '--param', 'release=true', '--param', `registry=${registryUrl}`];
  await maestro(setting, ['run', ...request], 4);
  const plan = await maestroText(setting, ['plan', ...request, '--json']);
  writeFileSync(join(output, 'plan.json'), plan);
  const waiting = await maestroJson<RunView>(setting, ['status', 'latest']);
  claim('the run waits at its gate', stepOf(waiting, 'approval').hold?.kind === 'gate', statusesOf(waiting));

  act('4  Approve it', 'Whoever started the run may not approve it. Somebody else may.');
  await maestro(setting, ['approve', 'latest', '--reason', 'let me through'], 3);
  await maestro(setting, ['approve', 'latest', '--actor', 'grace', '--reason', 'tested and wanted']);
  const run = await maestroJson<RunView>(setting, ['status', 'latest']);
  claim('the release was staged after the approval, in another process', isSuccess(stepOf(run, 'stage')));
  return run;
}

export function stepOf({ steps }: RunView, id: string): StepView {
  const step = steps.find((step) => step.id === id);
  if (!step) throw new Error(`expected the pipeline to have a step ${id}`);
  return step;
}

function isSuccess({ status }: StepView): boolean {
  return status === 'succeeded';
}

function hasConsent({ decision, kind, status }: StepView): boolean {
  return kind !== 'work' || status === 'skipped' || decision?.verdict === 'allow';
}

function packageOf(run: RunView): string | undefined {
  return stepOf(run, 'pack').artifacts[0]?.digest;
}

function statusesOf({ steps }: RunView): Readonly<Record<string, string>> {
  return Object.fromEntries(steps.map(({ id, status }) => [id, status]));
}

/** Some step began before one that began earlier had ended. */
function haveOverlap(steps: readonly StepView[]): boolean {
  const times = steps
    .map(({ startedAt, finishedAt }) => [Date.parse(startedAt ?? ''), Date.parse(finishedAt ?? '')] as const)
    .sort(([a], [b]) => a - b);
  return times.some(([start], index) => index > 0 && start < (times[index - 1]?.[1] ?? 0));
}
