import { expect, it } from 'vitest';
import { claimsOf } from '../../../src/secrets/vault/run-claims.ts';
import { requestFor } from '../../contract/secrets/requests.ts';

type Change = Parameters<typeof requestFor>[1];

it('says who a run is, apart from which one it is', () => {
  expect(claimsOf(requestFor(['A'], { environment: 'prod' }))).toEqual({
    subject: 'repo:acme/orders:environment:prod',
    standing: {
      repository: 'acme/orders',
      repository_owner: 'acme',
      repository_name: 'orders',
      repository_id: '77',
      tenant: 'github:42',
      runner: 'linux',
      environment: 'prod',
      ref: 'refs/heads/main',
    },
    passing: { run_id: '01run', step: 'publish' },
  });
});

it.each<[Change, string | undefined]>([
  [{}, 'repo:acme/orders:ref:refs/heads/main'],
  [{ ref: null }, 'repo:acme/orders'],
  [{ environment: 'staging eu/2' }, 'repo:acme/orders:environment:staging eu/2'],
  [{ environment: 'x:environment:prod' }, 'repo:acme/orders:environment:x%3Aenvironment%3Aprod'],
  [{ environment: '*' }, 'repo:acme/orders:environment:%2A'],
  [{ environment: '%2A' }, 'repo:acme/orders:environment:%252A'],
  [{ environment: 'größe' }, 'repo:acme/orders:environment:gr%C3%B6%C3%9Fe'],
  [{ ref: 'refs/heads/a+b' }, 'repo:acme/orders:ref:refs/heads/a%2Bb'],
  [{ repository: '' }, undefined],
  [{ repository: 'acme/orders:environment:prod' }, undefined],
])('has a subject for %j that cannot be taken for another', (change, subject) => {
  expect(claimsOf(requestFor([], change))?.subject).toBe(subject);
});

it('has no empty claims, because a role may want that one is there', () => {
  const { standing } = claimsOf(requestFor([], { repositoryId: '', ref: null })) ?? {};
  expect(Object.keys(standing ?? {})).toEqual([
    'repository',
    'repository_owner',
    'repository_name',
    'tenant',
    'runner',
  ]);
});
