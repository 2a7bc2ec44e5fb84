import { describe, expect, it } from 'vitest';
import { openEnvironmentSecrets, parseReleases } from '../../../src/secrets/environment.ts';
import { requestFor } from '../../contract/secrets/requests.ts';
import { refusalOf, shownOf } from './planted.ts';

const VALUES = { NPM_TOKEN: 'npm', SONAR_TOKEN: 'sonar', KEY: 'key', UNRELEASED: 'PLANTED' };

function given(releases: object, change: Parameters<typeof requestFor>[1] = {}): Promise<object> {
  const provider = openEnvironmentSecrets(parseReleases(JSON.stringify(releases)), VALUES);
  return provider.find(requestFor(Object.keys(VALUES), change), AbortSignal.timeout(1000));
}

describe('secrets of the environment', () => {
  it('are released to the repository, to all of its owner, or to the one with the number', async () => {
    const releases = { 'acme/orders': ['NPM_TOKEN'], 'acme/*': ['SONAR_TOKEN'], 'id:77': ['KEY'] };
    expect(await given(releases)).toEqual({ NPM_TOKEN: 'npm', SONAR_TOKEN: 'sonar', KEY: 'key' });
    expect(await given(releases, { repository: 'acme/billing', repositoryId: '78' })).toEqual({ SONAR_TOKEN: 'sonar' });
    expect(await given(releases, { repository: 'eve/renamed' })).toEqual({ KEY: 'key' });
    expect(await given(releases, { repository: 'acme-evil/orders', repositoryId: '770' })).toEqual({});
  });

  it('are released whatever the case of a name, as GitHub has it', async () => {
    const releases = { 'Acme/Orders': ['NPM_TOKEN'], 'acme/orders': ['KEY'] };
    expect(await given(releases, { repository: 'ACME/orders' })).toEqual({ NPM_TOKEN: 'npm', KEY: 'key' });
  });

  it('are released to nobody where nobody is named', async () => {
    expect(await given({})).toEqual({});
  });

  it.each([
    'PLANTED',
    '["PLANTED"]',
    'null',
    '{"*": ["NPM_TOKEN"], "PLANTED": []}',
    '{"PLANTED": ["NPM_TOKEN"]}',
    '{"*/*": ["PLANTED"]}',
    '{"acme/orders/x": ["PLANTED"]}',
    '{"id:0x4d": ["PLANTED"]}',
    '{"acme/orders": "PLANTED"}',
    '{"acme/orders": ["=PLANTED"]}',
    '{"acme/orders": [["PLANTED"]]}',
    '{"acme/orders": {"NPM_TOKEN": "PLANTED"}}',
  ])('are not read from %s, which is not repeated', (text) => {
    const refusal = refusalOf(() => parseReleases(text));
    expect(refusal).toMatchObject({ code: 'CONFIG_INVALID' });
    expect(shownOf(refusal)).not.toContain('PLANTED');
  });

  it('must have a value where they are released', () => {
    const open = (values: object) => openEnvironmentSecrets(parseReleases('{"acme/orders": ["A"]}'), values as never);
    expect(() => open({})).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
    expect(() => open({ A: '' })).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
    expect(() => open({ A: 'a\0' })).toThrow(expect.objectContaining({ code: 'SECRET_UNUSABLE' }));
  });
});
