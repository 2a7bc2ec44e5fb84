import { setTimeout as pause } from 'node:timers/promises';
import type { HookDelivery } from '../../sandbox/sandbox.ts';
import { ClaimFailed } from './narrator.ts';
import type { Stage } from './stage.ts';

/** What a person sees of a check run. */
export interface Check {
  readonly id: number;
  readonly name: string;
  /** The run's id, for the check of a pipeline. */
  readonly externalId: string;
  readonly status: string;
  readonly conclusion: string | null;
  readonly title: string;
  readonly summary: string;
  readonly annotations: number;
}

export interface Told {
  readonly permissions: Readonly<Record<string, string>>;
  readonly events: readonly string[];
}

const POLL_MS = 150;
/** Writes to GitHub are paced, ten seconds each once those of an hour are used up; what hangs must not hang the reader. */
const WAIT_MS_MAX = 180_000;
/** From a job to the check of its run. */
const CHECK_MS_MAX = 20_000;

/** Our checks of a commit: the newest of each name, or all that there ever were. */
export async function checksOf(
  { ada, repository }: Stage,
  sha: string,
  filter: 'latest' | 'all' = 'latest',
): Promise<readonly Check[]> {
  const { data } = await ada.octokit.rest.checks.listForRef({ ...repository, ref: sha, filter, per_page: 100 });
  return data.check_runs
    .filter(({ name }) => name.startsWith('maestro / '))
    .map(({ id, name, external_id: externalId, status, conclusion, output }) => ({
      id,
      name,
      externalId: externalId ?? '',
      status,
      conclusion,
      title: output.title ?? '',
      summary: output.summary ?? '',
      annotations: output.annotations_count,
    }));
}

/** The check of that name, once it has ended with that conclusion. */
export async function waitForCheck(stage: Stage, sha: string, name: string, conclusion: string): Promise<Check> {
  const read = async (): Promise<Check | undefined> =>
    (await checksOf(stage, sha)).find((check) => check.name === name && check.conclusion === conclusion);
  return waitFor(`the check "${name}" of ${sha.slice(0, 7)} to be ${conclusion}`, read, async () =>
    (await checksOf(stage, sha))
      .map((check) => `${check.name}: ${check.conclusion ?? check.status} (${check.title})`)
      .join('; '),
  );
}

/** The App's newest comment on a pull request that says this. */
export async function waitForComment({ ada, repository }: Stage, pull: number, says: RegExp): Promise<string> {
  const bodies = async (): Promise<readonly string[]> => {
    const { data } = await ada.octokit.rest.issues.listComments({ ...repository, issue_number: pull, per_page: 100 });
    return data.filter(({ user }) => user?.type === 'Bot').map(({ body }) => body ?? '');
  };
  return waitFor(
    `a comment on #${pull} that says ${says.source}`,
    async () => (await bodies()).find((body) => says.test(body)),
    async () => (await bodies()).join('\n---\n'),
  );
}

/** What the App answered to a comment. */
export async function waitForAnswer(stage: Stage, pull: number, comment: number): Promise<string> {
  return await waitForComment(stage, pull, new RegExp(`maestro:answer issue-comment/${comment} -->`));
}

/** What GitHub told the App when it was installed. */
export async function waitForInstallation({ sandbox }: Stage): Promise<Told> {
  const heard = (): readonly HookDelivery[] => sandbox.deliveries().filter(({ event }) => event === 'installation');
  const { payload } = await waitFor(
    'GitHub to tell the App of its installation',
    async () => heard()[0],
    async () => `${heard().length} deliveries`,
  );
  return payload['installation'] as Told;
}

/** Runs for which machines were asked, one entry per job. */
export function runsWithJobs({ sandbox }: Stage): readonly string[] {
  return sandbox.jobs().map(({ inputs: { run = '' } }) => run);
}

/** The runs with jobs that are of none of these commits. A check comes a moment after its job, so it is waited for. */
export async function waitForJobsOnlyOf(stage: Stage, shas: readonly string[]): Promise<readonly string[]> {
  const deadline = performance.now() + CHECK_MS_MAX;
  for (;;) {
    const known = new Set<string>();
    for (const sha of shas) for (const { externalId } of await checksOf(stage, sha, 'all')) known.add(externalId);
    const others = runsWithJobs(stage).filter((run) => !known.has(run));
    if (others.length === 0 || performance.now() > deadline) return others;
    await pause(POLL_MS);
  }
}

/** Throws ClaimFailed with what was found last. */
export async function waitFor<T>(
  what: string,
  read: () => Promise<T | undefined>,
  describe: () => Promise<string>,
): Promise<T> {
  const deadline = performance.now() + WAIT_MS_MAX;
  for (;;) {
    const found = await read();
    if (found !== undefined) return found;
    if (performance.now() > deadline)
      throw new ClaimFailed(`waited ${WAIT_MS_MAX / 1000} s for ${what}; found ${await describe()}`);
    await pause(POLL_MS);
  }
}
