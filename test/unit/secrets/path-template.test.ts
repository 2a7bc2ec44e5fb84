import { describe, expect, it } from 'vitest';
import { parsePathTemplate, pathFor } from '../../../src/secrets/vault/path-template.ts';
import { requestFor } from '../../contract/secrets/requests.ts';

type Change = Parameters<typeof requestFor>[1];

describe('the path of secrets in a vault', () => {
  it.each<[string, Change, string | undefined]>([
    ['secret/data/{repository}', {}, 'secret/data/acme/orders'],
    ['secret/data/{repository}', { repository: 'acme/.github' }, 'secret/data/acme/.github'],
    ['team/kv/data/ci/{repository_id}', {}, 'team/kv/data/ci/77'],
    ['secret/data/{repository}/{environment}', { environment: 'prod' }, 'secret/data/acme/orders/prod'],
    ['secret/data/{repository}/{environment}', { environment: null }, undefined],
    ['secret/data/{repository}/{environment}', { environment: '..' }, undefined],
    ['secret/data/{repository}/{environment}', { environment: '../billing' }, undefined],
    ['secret/data/{repository}/{environment}', { environment: '%2e%2e' }, undefined],
    ['secret/data/{repository}/{environment}', { environment: 'prod?version=1' }, undefined],
    ['secret/data/{repository}/{environment}', { environment: '{repository}' }, undefined],
    ['secret/data/{repository}', { repository: '' }, undefined],
    ['secret/data/{repository}', { repository: 'acme' }, undefined],
    ['secret/data/{repository}', { repository: 'acme/..' }, undefined],
    ['secret/data/{repository}', { repository: 'acme/orders/more' }, undefined],
    ['secret/data/{repository_id}', { repositoryId: '' }, undefined],
  ])('is made of %s and %j', (template, change, path) => {
    expect(pathFor(parsePathTemplate(template), requestFor([], change))).toBe(path);
  });

  it.each([
    '',
    'secret/data',
    'secret/data/ci',
    'secret/data/{environment}',
    'secret/{repository}',
    'data/{repository}',
    'secret/data/ci-{repository_id}',
    'secret/data/{environment}-{repository_id}',
    'secret/data/{repository}/',
    '/secret/data/{repository}',
    'secret/data/../{repository}',
    'secret/data/{repository}?version=1',
    'secret/data/{repo}/{repository}',
  ])('is not made of %j, by which repositories could meet or leave their engine', (template) => {
    expect(() => parsePathTemplate(template)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  });
});
