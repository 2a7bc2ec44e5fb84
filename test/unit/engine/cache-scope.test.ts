import { describe, expect, it } from 'vitest';
import { digestBytes } from '../../../src/base/digest.ts';
import { cacheScopes } from '../../../src/engine/cache-scope.ts';
import { runTrigger } from '../../../src/github/matching/run-trigger.ts';
import { codeEvent, pullFacts } from '../github/matching/sample-events.ts';

describe('cached results', () => {
  it('of a pull request are read from its base and the default branch, and never written there', () => {
    const pull = pullFacts({ isFork: true, baseRef: 'next', headRef: 'main' });
    const event = codeEvent({ type: 'pull_request', ref: 'refs/pull/7/head', branch: 'next', pull });
    expect(cacheScopes(runTrigger(event))).toEqual([
      'github:11#refs/pull/7/head',
      'github:11#refs/heads/next',
      'github:11#refs/heads/main',
    ]);
  });

  it('of the default branch are its own', () => {
    expect(new Set(cacheScopes(runTrigger(codeEvent({}))))).toEqual(new Set(['github:11#refs/heads/main']));
  });

  it('of a repository stay with it when its name passes to another', () => {
    const { repository } = codeEvent({});
    const squatter = codeEvent({ repository: { ...repository, id: 12 } });
    expect(cacheScopes(runTrigger(squatter))).not.toContain(cacheScopes(runTrigger(codeEvent({})))[0]);
  });

  it('of a person on their own machine are shared by all branches', () => {
    const source = { uri: 'file:///orders', gitCommit: null, ref: 'refs/heads/x' };
    const eventDigest = digestBytes(new Uint8Array());
    const local = {
      type: 'manual',
      actor: { provider: 'local', id: 'ada' },
      source,
      github: {},
      eventDigest,
      isFork: false,
    };
    expect(cacheScopes(local)).toEqual(['file:///orders']);
  });
});
