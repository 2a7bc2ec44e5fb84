import { setTimeout as pause } from 'node:timers/promises';
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

const POLL_MS = 150;
/** No step of the demo takes a minute on two cores; one that hangs must not hang the reader. */
const WAIT_MS_MAX = 120_000;

/** Our checks of a commit, the newest of each name. */
export async function checksOf({ ada, repository }: Stage, sha: string): Promise<readonly Check[]> {
  const { data } = await ada.octokit.rest.checks.listForRef({ ...repository, ref: sha, per_page: 100 });
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

/** Throws with what was found last. */
async function waitFor<T>(
  what: string,
  read: () => Promise<T | undefined>,
  describe: () => Promise<string>,
): Promise<T> {
  const deadline = performance.now() + WAIT_MS_MAX;
  for (;;) {
    const found = await read();
    if (found !== undefined) return found;
    if (performance.now() > deadline)
      throw new Error(`waited ${WAIT_MS_MAX / 1000} s for ${what}; found ${await describe()}`);
    await pause(POLL_MS);
  }
}
