import { describe, expect, it } from 'vitest';
import { isMaestroError } from '../../../src/base/errors.ts';
import { parseSealedDocument } from '../../../src/secrets/sealed/document.ts';
import { requestFor } from '../../contract/secrets/requests.ts';
import { refusalOf, shownOf } from './planted.ts';

const TEXT = `# of the release team
acme/orders:
  NPM_TOKEN: npm
  DEPLOY_KEY: { value: deploy, environments: [prod, "staging eu"] }
  PEM: |
    -----BEGIN-----
    line
Acme/*:
  NPM_TOKEN: of everybody
  DEPLOY_KEY: of everybody
  SONAR_TOKEN: "007"
id:77:
  PINNED: by its number
`;

describe('the document of a sealed file', () => {
  const document = parseSealedDocument(TEXT);
  const find = (name: string, change: Parameters<typeof requestFor>[1] = {}): string | undefined =>
    document.find(requestFor([name], change))[name];

  it('gives what the closest pattern says', () => {
    expect(find('NPM_TOKEN')).toBe('npm');
    expect(find('SONAR_TOKEN')).toBe('007');
    expect(find('PINNED')).toBe('by its number');
    expect(find('PEM')).toBe('-----BEGIN-----\nline\n');
    expect(find('NPM_TOKEN', { repository: 'acme/billing', repositoryId: '78' })).toBe('of everybody');
    expect(find('NPM_TOKEN', { repository: 'eve/orders', repositoryId: '78' })).toBeUndefined();
  });

  it('gives a restricted secret in its environments alone, and nothing wider in its place', () => {
    expect(find('DEPLOY_KEY', { environment: 'prod' })).toBe('deploy');
    expect(find('DEPLOY_KEY', { environment: 'staging eu' })).toBe('deploy');
    for (const environment of [null, 'staging', 'Prod', ''])
      expect([environment, find('DEPLOY_KEY', { environment })]).toEqual([environment, undefined]);
  });

  it('is JSON as well', () => {
    expect(parseSealedDocument('{"acme/orders": {"A": "b"}}').find(requestFor(['A']))).toEqual({ A: 'b' });
    expect(parseSealedDocument('{}').find(requestFor(['A']))).toEqual({});
  });

  it.each<[string, number]>([
    ['', 1],
    ['PLANTED', 1],
    ['- PLANTED', 1],
    ['acme/orders: PLANTED', 1],
    ['\nPLANTED:\n  A: b', 2],
    ['"*":\n  A: PLANTED', 1],
    ['acme/orders:\n  A: b\n  PLANTED 1: c', 3],
    ['acme/orders:\n  A: 12345678', 2],
    ['acme/orders:\n  A: [PLANTED]', 2],
    ['acme/orders:\n  A:', 2],
    ['acme/orders:\n  A: &a PLANTED\n  B: *a', 3],
    ['acme/orders:\n  A: PLANTED\n  A: PLANTED2', 3],
    ['acme/orders:\n  A: b\nAcme/Orders:\n  A: PLANTED', 3],
    ['acme/orders:\n  A: { value: PLANTED }', 2],
    ['acme/orders:\n  A: { value: PLANTED, environments: [] }', 2],
    ['acme/orders:\n  A: { value: PLANTED, environments: [prod, { PLANTED: 1 }] }', 2],
    ['acme/orders:\n  A: { value: PLANTED, environment: [prod] }', 2],
    ['acme/orders:\n  A: { value: 12345678, environments: [prod] }', 2],
    ['acme/orders:\n  A: "PLANTED', 2],
    ['acme/orders:\n\tA: PLANTED', 2],
    ['acme/orders:\n  A: |PLANTED\n    x', 2],
    ['acme/orders:\n  A: b\n---\nPLANTED: c', 3],
  ])('says in which line %j is wrong, and nothing of it', (text, line) => {
    const caught = refusalOf(() => parseSealedDocument(text));
    expect(isMaestroError(caught, 'CONFIG_INVALID')).toBe(true);
    expect((caught as Error).message).toMatch(new RegExp(`^line ${line} `));
    expect(shownOf(caught)).not.toContain('PLANTED');
    expect(shownOf(caught)).not.toContain('12345678');
  });
});
