import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../../src/base/json.ts';
import { gateNewsHandlers } from '../../../../src/github/deployments/gate-news.ts';
import { githubRun } from '../../../fakes/github-runs.ts';

const SHA = 'a'.repeat(40);

function handled() {
  const woken: (readonly string[])[] = [];
  const handlers = gateNewsHandlers({
    appId: 77,
    runs: {
      ofCommit: async (repositoryId, headSha) =>
        repositoryId === 11 && headSha === SHA ? ['r2', 'r1'].map((runId) => githubRun({ runId })) : [],
    },
    revisitGates: async (runIds) => void woken.push(runIds),
  });
  const handle = (name: string, payload: JsonObject): Promise<string> => {
    const [event = '', action = null] = name.split('.');
    const delivery = { id: 'd', event, action, installationId: 1, payload, receivedAt: '' };
    return handlers[name]?.(delivery) ?? Promise.reject(new Error(`nothing handles ${name}`));
  };
  return { woken, handle };
}

describe('news of a commit', () => {
  it.each<[string, JsonObject]>([
    ['check_run.completed', { check_run: { head_sha: SHA } }],
    ['check_suite.completed', { check_suite: { head_sha: SHA } }],
    ['status', { sha: SHA, state: 'success' }],
    ['deployment_status.created', { deployment: { sha: SHA } }],
    ['workflow_run.completed', { workflow_run: { head_sha: SHA } }],
  ])('has its gates look again: %s', async (name, payload) => {
    const { woken, handle } = handled();
    expect(await handle(name, { repository: { id: 11 }, ...payload })).toBe('gates of 2 runs look again');
    expect(woken).toEqual([['r2', 'r1']]);
  });

  it.each([
    ['a step of ours', 77, 'r1/promote', 0],
    ['a run of ours', 77, 'r1', 1],
    ['a check of somebody else that looks like a step', 78, 'r1/promote', 1],
  ])('of %s wakes gates %s %s: %s times', async (_, app, external_id, times) => {
    const { woken, handle } = handled();
    const check_run = { head_sha: SHA, external_id, app: { id: app } };
    await handle('check_run.completed', { repository: { id: 11 }, check_run });
    expect(woken).toHaveLength(times);
  });

  it.each<[string, JsonObject, RegExp]>([
    ['that has no run', { repository: { id: 11 }, sha: 'b'.repeat(40) }, /no run/],
    ['of another repository', { repository: { id: 12 }, sha: SHA }, /no run/],
    ['of no repository', { sha: SHA }, /ignored/],
    ['that is not named', { repository: { id: 11 } }, /ignored/],
  ])('wakes nobody where it is of one %s', async (_, payload, note) => {
    const { woken, handle } = handled();
    expect(await handle('status', payload)).toMatch(note);
    expect(woken).toEqual([]);
  });
});
