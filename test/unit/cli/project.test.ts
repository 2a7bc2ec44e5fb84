import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { readConfig, readDisplay } from '../../../app/config.ts';
import { readGitFacts, remoteUri, repositoryOf } from '../../../src/cli/git-facts.ts';
import { readPipelineSource, resolvePipeline } from '../../../src/cli/pipeline-files.ts';
import { findProjectRoot } from '../../../src/cli/project-root.ts';
import { project, temporaryFolder } from './harness.ts';

describe('the pipeline that a name means', () => {
  const root = project({
    '.maestro/build.yaml': 'name: build-all\n',
    '.maestro/ship.yml': '{ "name": "ship-it", "steps": [] }\n',
    '.maestro/policy.yaml': 'name: policy\n',
    '.maestro/policy-cases.yaml': 'name: policy-cases\n',
    'templates/pipelines/extra.yaml': 'name: extra\n',
    'build/readme': '',
    'other.yaml': 'name: other\n',
  });

  it.each([
    ['a path', 'other.yaml', 'other.yaml'],
    ['a file name, also where a folder of that name exists', 'build', '.maestro/build.yaml'],
    ['another extension', 'ship', '.maestro/ship.yml'],
    ['a template', 'extra', 'templates/pipelines/extra.yaml'],
    ['the name inside of the file', 'build-all', '.maestro/build.yaml'],
  ])('is %s', (_title, name, file) => {
    expect(resolvePipeline(name, root, root)).toBe(join(root, file));
  });

  it.each([['policy'], ['policy-cases'], ['nope'], ['../x'], [undefined]])(
    'is refused for %s, listing what exists',
    (name) => {
      expect(() => resolvePipeline(name, root, root)).toThrowError(
        expect.objectContaining({
          code: 'PIPELINE_NOT_FOUND',
          message: expect.stringContaining('.maestro/build.yaml'),
        }),
      );
    },
  );

  it('is the only one where none is named', () => {
    const single = project();
    expect(resolvePipeline(undefined, single, single)).toBe(join(single, '.maestro/ci.yaml'));
  });

  it('is named in the plan relative to the project', () => {
    expect(readPipelineSource(join(root, '.maestro/build.yaml'), root).path).toBe('.maestro/build.yaml');
  });
});

describe('the project', () => {
  it('is the nearest folder upwards that holds .maestro', () => {
    const root = project({ '.maestro/ci.yaml': '', 'a/b/c.txt': '' });
    expect(findProjectRoot(join(root, 'a/b'))).toBe(root);
  });

  it('is the folder itself where the repository holds none', () => {
    const root = temporaryFolder();
    mkdirSync(join(root, 'a/.git'), { recursive: true });
    mkdirSync(join(root, 'a/b'));
    mkdirSync(join(root, '.maestro'));
    expect(findProjectRoot(join(root, 'a/b'))).toBe(join(root, 'a/b'));
  });
});

describe('where a run comes from', () => {
  it.each([
    ['https://user:token@github.com/acme/app.git', 'git+https://github.com/acme/app.git', 'acme/app'],
    ['https://token@github.com/acme/app', 'git+https://github.com/acme/app', 'acme/app'],
    ['git@github.com:acme/app.git', 'git+ssh://github.com/acme/app.git', 'acme/app'],
    ['ssh://git@host/acme/app.git', 'git+ssh://host/acme/app.git', 'acme/app'],
    ['ssh://git@[::1]:2222/acme/app.git/', 'git+ssh://[::1]:2222/acme/app.git/', 'acme/app'],
    ['https://user:to@ken@github.com/acme/app', 'git+https://github.com/acme/app', 'acme/app'],
    ['https://github.com/acme/app.git?token=hunter2#hunter2', 'git+https://github.com/acme/app.git', 'acme/app'],
    ['user:hunter2@github.com:acme/app', 'git+ssh://github.com/acme/app', 'acme/app'],
    ['a@hunter2@github.com:acme/app?hunter2', 'git+ssh://github.com/acme/app', 'acme/app'],
    ['git@[::1]:/acme/app', 'git+ssh://[::1]/acme/app', 'acme/app'],
    ['file:///srv/acme/app.git', 'file:///srv/acme/app.git', 'acme/app'],
    ['/srv/acme/app.git', 'file:///srv/acme/app.git', 'acme/app'],
    ['../acme/app:1', 'file:///home/acme/app:1', 'acme/app:1'],
    ['acme/app@2', 'file:///home/here/acme/app@2', 'acme/app@2'],
    // What cannot be taken apart for certain is the folder.
    ['https://user:hunter/2@github.com/acme/app', 'file:///home/here', 'home/here'],
    ['https://user:1/hunter2@github.com/acme/app', 'file:///home/here', 'home/here'],
    ['https:/user:hunter2@github.com/acme/app', 'file:///home/here', 'home/here'],
    ['https://user:hunter2@bad host/acme/app', 'file:///home/here', 'home/here'],
    ['codecommit::eu://hunter2@app', 'file:///home/here', 'home/here'],
    ['https://user:1#hunter2@github.com/acme/app', 'file:///home/here', 'home/here'],
    ['ext::ssh hunter2', 'file:///home/here', 'home/here'],
  ])('%s never shows who may read it', (remote, uri, repository) => {
    expect(remoteUri(remote, '/home/here')).toBe(uri);
    expect(repositoryOf(uri)).toBe(repository);
  });

  it('keeps every password of a URL to itself', () => {
    const part = fc.stringMatching(/^[!-~]{0,5}$/);
    const secret = fc.tuple(part, part).map(([a, b]) => `${a}7315${b}`);
    fc.assert(
      fc.property(secret, fc.constantFrom('https://', 'ssh://', 'git://', ''), (password, scheme) => {
        const uri = remoteUri(`${scheme}user:${password}@github.com${scheme ? '/' : ':'}acme/app`, '/home/here');
        expect(uri).not.toContain('7315');
      }),
    );
  });

  it('is the folder where there is no repository', () => {
    const root = temporaryFolder();
    // The folder for temporary files may itself lie in a repository, as it does where a step runs these tests.
    onTestFinished(() => void vi.unstubAllEnvs());
    vi.stubEnv('GIT_CEILING_DIRECTORIES', dirname(root));
    expect(readGitFacts(root)).toEqual({
      uri: `file://${root}`,
      commit: null,
      ref: null,
      repository: expect.stringMatching(/^local\/maestro-cli-/),
    });
  });
});

describe('the configuration', () => {
  it('keeps state in the project and keys outside of it', () => {
    const config = readConfig({ HOME: '/home/ana', USER: 'ana', XDG_STATE_HOME: '/state' }, '/work');
    expect(config).toMatchObject({ stateFolder: '/work/.maestro/state', keyFolder: '/state/maestro', userName: 'ana' });
    expect(config.databaseUrl).toBeUndefined();
    expect(Object.isFrozen(config)).toBe(true);
  });

  it('takes relative folders from the project, and ignores a relative XDG_STATE_HOME', () => {
    const config = readConfig(
      { MAESTRO_HOME: 'here', MAESTRO_SIGNING_KEY: 'k.pem', XDG_STATE_HOME: 'relative' },
      '/project',
    );
    expect(config.stateFolder).toBe('/project/here');
    expect(config.signing.key).toEqual({ type: 'file', path: '/project/k.pem' });
    expect(config.keyFolder).toMatch(/^\/.*\/\.local\/state\/maestro$/);
  });

  it.each([['mysql://user:hunter2@host/db'], ['hunter2']])('refuses %s as DATABASE_URL without repeating it', (url) => {
    const read = (): unknown => readConfig({ DATABASE_URL: url }, '/project');
    expect(read).toThrowError(expect.objectContaining({ code: 'CONFIG_INVALID' }));
    expect(read).not.toThrowError(/hunter2/);
  });

  it.each([
    [
      { TERM: 'xterm', LANG: 'en_US.UTF-8' },
      { hasColors: undefined, hasUnicode: true, canMoveCursor: true },
    ],
    [
      { TERM: 'dumb', LANG: 'en_US.UTF-8' },
      { hasColors: false, hasUnicode: false, canMoveCursor: false },
    ],
    [{ TERM: 'xterm', LANG: 'C' }, { hasUnicode: false }],
    [{ TERM: 'xterm', LC_ALL: 'C.utf8' }, { hasUnicode: true }],
    [{ TERM: 'xterm', NO_COLOR: '1', FORCE_COLOR: '1' }, { hasColors: false }],
    [{ TERM: 'xterm', FORCE_COLOR: '1' }, { hasColors: true }],
    [{ TERM: 'xterm', FORCE_COLOR: '0' }, { hasColors: false }],
    [{ TERM: 'xterm', CI: 'true' }, { canMoveCursor: false }],
    [{ COLUMNS: '77' }, { columns: 77 }],
    [{ COLUMNS: 'wide' }, { columns: undefined }],
  ])('%j looks like %j', (environment, display) => {
    expect(readDisplay(environment)).toMatchObject(display);
  });
});
