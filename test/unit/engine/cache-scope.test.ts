import { describe, expect, it } from 'vitest';
import { digestBytes } from '../../../src/base/digest.ts';
import { cacheScopes } from '../../../src/engine/cache-scope.ts';
import type { RunTrigger } from '../../../src/protocol/client.ts';

function trigger(provider: string, ref: string | null, github: RunTrigger['github']): RunTrigger {
  return {
    type: 'push',
    actor: { provider, id: 'ada' },
    source: { uri: 'https://github.com/acme/orders', gitCommit: null, ref },
    github,
    eventDigest: digestBytes(new Uint8Array()),
    isFork: false,
  };
}

describe('cached results', () => {
  it('of a pull request are read from its base and never written there', () => {
    const scopes = cacheScopes(trigger('github', 'refs/pull/7/head', { base_ref: 'next', default_branch: 'main' }));
    expect(scopes).toEqual([
      'https://github.com/acme/orders#refs/pull/7/head',
      'https://github.com/acme/orders#refs/heads/next',
      'https://github.com/acme/orders#refs/heads/main',
    ]);
  });

  it('of the default branch are its own', () => {
    const scopes = cacheScopes(trigger('github', 'refs/heads/main', { base_ref: '', default_branch: 'main' }));
    expect(new Set(scopes)).toEqual(new Set(['https://github.com/acme/orders#refs/heads/main']));
  });

  it('of a person on their own machine are shared by all branches', () => {
    expect(cacheScopes(trigger('local', 'refs/heads/x', {}))).toEqual(['https://github.com/acme/orders']);
  });
});
