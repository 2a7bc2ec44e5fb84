import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { HOUSE } from '../../../app/house.ts';

const MANIFEST = parse(readFileSync(join(HOUSE, 'app.yml'), 'utf8')) as {
  readonly name: string;
  readonly url: string;
  readonly description: string;
  readonly default_permissions: Readonly<Record<string, string>>;
  readonly default_events: readonly string[];
};
const SERVER = ['--server', 'https://maestro.example.com'];

interface Told {
  readonly status: number | null;
  readonly out: string;
  readonly error: string;
}

function appUrl(...args: readonly string[]): Told {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(HOUSE, 'app/write-app-url.ts'), ...args], {
    encoding: 'utf8',
  });
  return { status, out: stdout, error: stderr };
}

describe('the link that registers the App', () => {
  it.each([
    ['for whoever opens it', [], 'https://github.com/settings/apps/new'],
    ['for an organisation', ['--org', 'acme'], 'https://github.com/organizations/acme/settings/apps/new'],
    [
      'on a GitHub Enterprise Server',
      ['--github', 'https://ghe.example.com/', '--org', 'acme_corp'],
      'https://ghe.example.com/organizations/acme_corp/settings/apps/new',
    ],
  ])('%s asks for exactly the permissions and events of app.yml', (_name, args, page) => {
    const { status, out, error } = appUrl(...SERVER, ...args);
    expect({ status, error }).toEqual({ status: 0, error: '' });
    expect(out.split('\n')).toHaveLength(2);
    const link = new URL(out.trim());
    expect(link.origin + link.pathname).toBe(page);
    expect(link.searchParams.getAll('events[]').toSorted()).toEqual(MANIFEST.default_events.toSorted());
    link.searchParams.delete('events[]');
    const { name, url, description, default_permissions } = MANIFEST;
    expect(Object.fromEntries(link.searchParams)).toEqual({
      name,
      url,
      description,
      public: 'false',
      webhook_active: 'true',
      webhook_url: 'https://maestro.example.com/api/github/webhooks',
      ...default_permissions,
    });
    expect([...link.searchParams]).toHaveLength(6 + Object.keys(default_permissions).length);
  });

  it('takes a server on loopback, to try it', () => {
    const { out } = appUrl('--server', 'http://127.0.0.1:3000');
    expect(new URL(out).searchParams.get('webhook_url')).toBe('http://127.0.0.1:3000/api/github/webhooks');
  });

  it.each([
    ['no server', [], '--server'],
    ['a server that is no address', ['--server', 'maestro'], '--server'],
    ['a server that strangers can listen in on', ['--server', 'http://maestro.example.com'], 'https://'],
    ['a server below a path', ['--server', 'https://example.com/maestro'], 'path'],
    ['a server that runs a script', ['--server', 'javascript:alert(1)'], '--server'],
    ['a GitHub that is no address', [...SERVER, '--github', 'ghe'], '--github'],
    ['a GitHub by another protocol', [...SERVER, '--github', 'ftp://ghe.example.com'], '--github'],
    ['an organisation that leads elsewhere', [...SERVER, '--org', '../../evil?x='], '--org'],
    ['an organisation without a name', [...SERVER, '--org='], '--org'],
    ['an option that does not exist', [...SERVER, '--orgg', 'acme'], '--orgg'],
    ['an option without its value', ['--server'], '--server'],
    ['something that is no option', [...SERVER, 'acme'], 'acme'],
  ])('is not made of %s, and what is wrong is told', (_name, args, word) => {
    const { status, out, error } = appUrl(...args);
    expect({ status, out }).toEqual({ status: 2, out: '' });
    expect(error).toMatch(/^error\[(?:USAGE|CONFIG_INVALID)\]: /);
    expect(error.split('\n')[0]).toContain(word);
    expect(error).not.toContain('    at ');
  });

  it('does not show a password that somebody put into an address', () => {
    expect(appUrl('--server', 'https://u:hunter2@maestro.example.com').error).not.toContain('hunter2');
  });

  it.each(['--help', '-h'])('is explained by %s', (flag) => {
    const { status, out } = appUrl(flag);
    expect(status).toBe(0);
    for (const name of ['--server', '--org', '--github']) expect(out).toContain(name);
  });
});
