import { ProbotOctokit } from 'probot';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { CodeEvent } from '../../../../src/github/code-event.ts';
import { MissedDeliveries } from '../../../../src/github/intake/missed-deliveries.ts';
import { MissedHeads } from '../../../../src/github/intake/missed-heads.ts';
import { changedFiles } from '../../../../src/github/matching/changed-files.ts';
import { readPipelines } from '../../../../src/github/matching/read-pipelines.ts';
import { BlobCache, openRepositoryFiles } from '../../../../src/github/matching/repository-files.ts';
import type { GitHubAccess, Octokit } from '../../../../src/github/octokit.ts';
import { openStage, type Stage } from '../../sandbox/client.ts';
import { codeEvent } from './sample-events.ts';

describe("in the sandbox, which holds every call to GitHub's own description", () => {
  let stage: Stage;
  let access: GitHubAccess;
  const offered: CodeEvent[] = [];
  const client = (token: string): Octokit =>
    new ProbotOctokit({
      baseUrl: stage.sandbox.apiUrl,
      auth: { token },
      throttle: { enabled: false },
      retry: { enabled: false },
    });
  beforeAll(async () => {
    // What is pushed in the second of the installation could be older: the App was installed some time ago.
    let nowMs = Date.now() - 60_000;
    stage = await openStage(
      { nowMs: () => nowMs },
      { '.maestro/ci.yaml': 'name: tests\non: push\nsteps: [{ id: a, run: "true" }]\n' },
    );
    nowMs = Date.now();
    const change = { message: 'docs: x', content: 'eA==' };
    await stage.call(stage.ada.token, 'PUT', '/repos/acme/app/contents/x', change);
    const octokit = client(await stage.token());
    access = { app: client(await stage.jwt()), installation: async () => octokit };
  });
  afterEach(() => {
    if (stage.sandbox.violations().length > 0) throw new Error(JSON.stringify(stage.sandbox.violations()));
  });
  afterAll(async () => await stage.close());

  it('finds the head that no webhook told of, reads its pipelines, and compares it', async () => {
    const starter = {
      start: async (event: CodeEvent) => {
        offered.push(event);
        return { started: [], skipped: [], broken: [], held: [] };
      },
    };
    const errors: unknown[] = [];
    const onError = (error: unknown): number => errors.push(error);
    const heads = new MissedHeads({ access, starter, runs: { ofCommit: async () => [] }, clock: Date, onError });
    await heads.sweep();
    expect(errors).toEqual([]);
    const [event] = offered;
    expect(event).toMatchObject({ type: 'push', branch: 'main', repository: { owner: 'acme', name: 'app' } });
    const octokit = await access.installation(1);
    const files = openRepositoryFiles(octokit, event!.repository, event!.definitionsSha, new BlobCache());
    expect(await readPipelines(files)).toMatchObject([{ path: '.maestro/ci.yaml', reason: null }]);
    const { repository, headSha } = event!;
    expect(await changedFiles(octokit, codeEvent({ repository, headSha, baseSha: headSha }))).toEqual([]);
    expect(await changedFiles(octokit, codeEvent({ repository, headSha, baseSha: 'f'.repeat(40) }))).toBeNull();
  });

  it('reads the deliveries of the App', async () => {
    const every = async (ids: readonly string[]): Promise<readonly string[]> => ids;
    const inbox = { missing: every, askable: every, noteRedelivery: async () => true };
    const onError = (error: unknown): void => expect.fail(String(error));
    await expect(new MissedDeliveries({ access, inbox, clock: Date, onError }).sweep()).resolves.toEqual([]);
  });
});
