import { ProbotOctokit } from 'probot';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Octokit } from '../../../../src/github/octokit.ts';
import { roleOf } from '../../../../src/github/people/role-of.ts';
import { openStage, type Stage } from '../../sandbox/client.ts';

const ADA = ({ ada }: Stage) => ({ id: ada.id, login: 'ada', isApp: false });

describe('the role of a person', () => {
  const place = { owner: 'acme', repo: 'app' };
  let stage: Stage;
  let octokit: Octokit;
  beforeAll(async () => {
    stage = await openStage();
    const { appId, privateKey, installationId } = stage;
    octokit = new ProbotOctokit({
      baseUrl: stage.sandbox.apiUrl,
      auth: { appId, privateKey, installationId },
      throttle: { enabled: false },
      retry: { enabled: false },
      // Octokit speaks of every 404, and here some are expected.
      log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
    });
  });
  afterAll(async () => await stage.close());

  it('is what GitHub says now', async () => {
    expect(await roleOf(octokit, place, stage.ada)).toEqual({ ...ADA(stage), role: 'maintain' });
  });

  it('follows somebody who was renamed since', async () => {
    const person = { id: stage.ada.id, login: 'ada-before' };
    expect(await roleOf(octokit, place, person)).toEqual({ ...ADA(stage), role: 'maintain' });
  });

  it('does not pass on with a login', async () => {
    const person = { id: stage.stranger.id, login: 'ada' };
    expect(await roleOf(octokit, place, person)).toMatchObject({ login: 'mallory', role: 'read' });
  });

  it('is none for somebody who is gone', async () => {
    expect(await roleOf(octokit, place, { id: 999_999, login: 'ada' })).toMatchObject({ role: 'none' });
    expect(stage.sandbox.violations()).toEqual([]);
  });
});
