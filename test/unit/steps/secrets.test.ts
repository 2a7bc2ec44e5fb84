import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/base/json.ts';
import type { Outcome } from '../../../src/protocol/outcome.ts';
import { describeWith } from '../../real-parts.ts';
import { leaseOf } from '../worker/leases.ts';
import { WorkRoom } from '../worker/work-room.ts';

let room: WorkRoom;
beforeEach(() => {
  room = new WorkRoom();
});
afterEach(() => room.remove());

/** Put together here, so that no scanner takes this file for a leak. Nobody ever had them. */
const AWS = ['wJalrXUtnFEMI', 'K7MDENG', 'bPxRfiCYzzzzzzzKEY'].join('/');
const GITHUB = ['ghp', 'wWPw5k4aXcaT4fNP0UcnZwJUVFk6LO0pINUx'].join('_');

const write = (path: string, content: string | Buffer): string => {
  const full = join(room.repositoryRoot, path);
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, content);
  return full;
};
const search = (input: JsonObject = {}, env: Record<string, string | undefined> = process.env) =>
  room.run(leaseOf({}, { uses: 'security.secrets', with: input }), { hostEnv: env });

/** Everything that leaves the step. */
const told = (outcome: Outcome): string =>
  [JSON.stringify(outcome), room.log, ...room.client.blobs.values().map(String)].join('\n');

describe('security.secrets', () => {
  it('tells place and kind of a planted secret, and never the secret', async () => {
    write('config/.env', `# settings\nAWS_SECRET_ACCESS_KEY = ${AWS}\n`);
    write('src/deploy.ts', `const a = 1;\n\nconst token = '${GITHUB}';\n`);
    const outcome = await search();
    expect(outcome).toMatchObject({
      kind: 'failed',
      errorClass: 'step',
      errorCode: 'SECRET_FOUND',
      outputs: { scanner: 'secretlint', findings: 2, files: 2, skipped: 0 },
    });
    expect(outcome.message).toContain('config/.env:2 (aws), src/deploy.ts:3 (github)');
    expect(outcome.annotations).toEqual([
      expect.objectContaining({ level: 'failure', path: 'config/.env', startLine: 2 }),
      expect.objectContaining({ level: 'failure', path: 'src/deploy.ts', startLine: 3 }),
    ]);
    expect(outcome.artifacts).toMatchObject([{ name: 'secrets', path: 'secrets.sarif' }]);
    for (const secret of [AWS, GITHUB]) expect(told(outcome)).not.toContain(secret);
  });

  it('passes where there is none', async () => {
    write('src/index.ts', 'export const answer = 42;\n');
    write('logo.png', Buffer.from([0x89, 0x50, 0, 1]));
    expect(await search()).toMatchObject({ kind: 'succeeded', outputs: { findings: 0, files: 1, skipped: 1 } });
  });

  it('does not let the file itself say that it is no secret', async () => {
    write('a.js', `// secretlint-disable\nconst t = '${GITHUB}'; // gitleaks:allow\n`);
    expect(await search()).toMatchObject({ kind: 'failed', outputs: { findings: 1 } });
  });

  it('goes by no settings of secretlint in the checkout', async () => {
    write('a.env', `token=${GITHUB}\n`);
    write('.secretlintignore', '**\n');
    write('.secretlintrc.json', '{"rules":[]}');
    expect(await search()).toMatchObject({ kind: 'failed', outputs: { findings: 1 } });
    expect(await search({ settings: 'checkout' })).toMatchObject({ kind: 'failed', errorCode: 'INPUT_INVALID' });
  });

  it('reads no packages, no folder of git, and nothing behind a link out', async () => {
    const line = `token = '${GITHUB}'\n`;
    write('node_modules/x/a.js', line);
    write('packages/b/node_modules/x/a.js', line);
    write('.git/config', line);
    symlinkSync(write('../outside', line), join(room.repositoryRoot, 'link'));
    expect(await search()).toMatchObject({ kind: 'succeeded', outputs: { findings: 0 } });
  });

  it('leaves out what the ignore file names, by kind, and tells entries that cover nothing', async () => {
    write('test/fixture.ts', `const t = '${GITHUB}';\n`);
    write('.secretsignore', '# known\ntest/** github\n\nold/**\n');
    const outcome = await search({ ignore: '.secretsignore' });
    expect(outcome).toMatchObject({ kind: 'succeeded', outputs: { findings: 0, ignored: 1 } });
    expect(outcome.annotations).toEqual([
      expect.objectContaining({ level: 'notice', path: '.secretsignore', message: expect.stringContaining('old/**') }),
    ]);
    write('.secretsignore', 'test/** aws\n');
    expect(await search({ ignore: '.secretsignore' })).toMatchObject({ kind: 'failed', outputs: { findings: 1 } });
    expect(await search({ ignore: '../ignore' })).toMatchObject({ kind: 'failed', errorCode: 'INPUT_INVALID' });
  });

  it.each(['!src/none', '!**/x github', '  !(a)', './!x'])(
    'takes no entry that turns round what it covers: %s',
    async (line) => {
      write('a.env', `token=${GITHUB}\n`);
      write('.secretsignore', `docs/**\n${line}\n`);
      const outcome = await search({ ignore: '.secretsignore' });
      expect(outcome).toMatchObject({ kind: 'failed', errorCode: 'INPUT_INVALID' });
      expect(outcome.message).toContain('line 2');
    },
  );

  it('tells the first of many, and counts them all', async () => {
    for (let i = 0; i < 1200; i++) write(`f/${i}.env`, `token=${GITHUB}\n`);
    const outcome = await search();
    expect(outcome).toMatchObject({ kind: 'failed', outputs: { findings: 1200 } });
    expect(outcome.annotations?.length).toBeLessThanOrEqual(1000);
    expect(outcome.message?.length).toBeLessThan(500);
  });

  it('writes nowhere but in the checkout', async () => {
    expect(await search({ output: '../secrets.sarif' })).toMatchObject({ kind: 'failed', errorCode: 'INPUT_INVALID' });
  });
});

describe('security.secrets by gitleaks', () => {
  /** The far end: a program that takes the command line and writes the report that the test wants. */
  const standIn = (script: string): Record<string, string> => {
    chmodSync(write('../bin/gitleaks', `#!/bin/sh\n${script}\n`), 0o755);
    return { PATH: `${join(room.repositoryRoot, '../bin')}:/usr/bin:/bin` };
  };
  const leak = { RuleID: 'github-pat', File: 'src/a.ts', StartLine: 4, Secret: GITHUB, Match: `t = ${GITHUB}` };

  it('reads rule, file and line alone, whatever else it says', async () => {
    const env = standIn(`echo "found ${GITHUB}" >&2; echo '${JSON.stringify([leak])}'`);
    const outcome = await search({ scanner: 'gitleaks' }, env);
    expect(outcome).toMatchObject({ kind: 'failed', errorCode: 'SECRET_FOUND', outputs: { findings: 1 } });
    expect(outcome.message).toContain('src/a.ts:4 (github-pat)');
    expect(told(outcome)).not.toContain(GITHUB);
  });

  it('passes where it finds none', async () => {
    expect(await search({ scanner: 'gitleaks' }, standIn('echo "[]"'))).toMatchObject({ kind: 'succeeded' });
  });

  it.each(['exit 2', ':', 'echo "{}"', 'echo "[1]"', `echo '[{"RuleID":"x"}] ${GITHUB}'`])(
    'is no clean checkout where it does %s',
    async (script) => {
      const outcome = await search({ scanner: 'gitleaks' }, standIn(script));
      expect(outcome).toMatchObject({ kind: 'failed', errorClass: 'step', errorCode: 'SCAN_FAILED' });
      expect(told(outcome)).not.toContain(GITHUB);
    },
  );

  it('has to be there', async () => {
    expect(await search({ scanner: 'gitleaks' }, { PATH: '/usr/bin:/bin' })).toMatchObject({
      kind: 'failed',
      errorCode: 'STEP_NOT_STARTED',
    });
  });
});

describeWith('gitleaks', 'security.secrets by the real gitleaks', (program) => {
  const withGitleaks = (settings?: string) =>
    search(
      { scanner: 'gitleaks', ...(settings !== undefined && { settings }) },
      { ...process.env, PATH: `${dirname(program)}:${process.env.PATH}` },
    );

  it('tells places below the working directory, and none behind a link out', async () => {
    write('src/a.ts', `\nconst t = '${GITHUB}'; // gitleaks:allow\n`);
    symlinkSync(write('../outside', `token = '${GITHUB}'\n`), join(room.repositoryRoot, 'link'));
    const outcome = await withGitleaks();
    expect(outcome).toMatchObject({ kind: 'failed', errorCode: 'SECRET_FOUND', outputs: { findings: 1 } });
    expect(outcome.message).toContain('src/a.ts:2 (github-pat)');
    expect(told(outcome)).not.toContain(GITHUB);
  });

  it.each<[string, () => void]>([
    ['.gitleaks.toml allows it', () => write('.gitleaks.toml', '[[allowlists]]\nregexes = [".*"]\n')],
    ['.gitleaks.toml knows no rule', () => write('.gitleaks.toml', 'title = "none"\n')],
    [
      '.gitleaksignore names it',
      () => {
        const paths = ['a.env', './a.env', join(room.repositoryRoot, 'a.env')];
        write('.gitleaksignore', paths.map((path) => `${path}:github-pat:1\n`).join(''));
      },
    ],
  ])('lets the checkout excuse what it holds only where the pipeline says so: %s', async (_what, excuse) => {
    write('a.env', `token=${GITHUB}\n`);
    excuse();
    expect(await withGitleaks()).toMatchObject({ kind: 'failed', errorCode: 'SECRET_FOUND', outputs: { findings: 1 } });
    expect(await withGitleaks('checkout')).toMatchObject({ kind: 'succeeded', outputs: { findings: 0 } });
  });
});

it('what was found is read again from the log that is kept', async () => {
  write('a.env', `token=${GITHUB}\n`);
  await search({ output: 'reports/secrets.sarif' });
  const log = readFileSync(join(room.repositoryRoot, 'reports/secrets.sarif'), 'utf8');
  expect(JSON.parse(log)).toMatchObject({ version: '2.1.0', runs: [{ results: [{ ruleId: 'secret/github' }] }] });
  expect(log).not.toContain(GITHUB);
});
