import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FakeProcess, project } from './harness.ts';

const SERVER = 'https://maestro.example.org';
const WORKFLOW = '.github/workflows/maestro.yml';

describe('maestro init --server', () => {
  it('writes pipeline and workflow, and says what comes next', async () => {
    const cwd = project({ 'go.mod': 'module x' });
    const process = new FakeProcess({ cwd });
    expect(await process.run('init', '--server', `${SERVER}/`)).toBe(0);
    expect(readFileSync(join(cwd, WORKFLOW), 'utf8')).toContain(`server: ${SERVER}\n`);
    expect(existsSync(join(cwd, '.maestro/ci.yaml'))).toBe(true);
    expect(process.err).toContain('--action OWNER/NAME@COMMIT');
  });

  it('leaves a pipeline that exists as it is', async () => {
    const cwd = project({ '.maestro/mine.yaml': 'mine' });
    const process = new FakeProcess({ cwd });
    expect(await process.run('init', '--server', SERVER, '--force', '--json')).toBe(0);
    expect(JSON.parse(process.out)).toEqual({ file: WORKFLOW, files: [WORKFLOW], found: [] });
    expect(existsSync(join(cwd, '.maestro/ci.yaml'))).toBe(false);
  });

  it('overwrites a workflow with --force alone, and a refusal writes nothing', async () => {
    const cwd = project({ [WORKFLOW]: 'mine', 'go.mod': 'module x' });
    const refused = new FakeProcess({ cwd });
    expect(await refused.run('init', '--server', SERVER)).toBe(2);
    expect(refused.err).toContain('error[CONFLICT]');
    expect(existsSync(join(cwd, '.maestro/ci.yaml'))).toBe(false);
    expect(readFileSync(join(cwd, WORKFLOW), 'utf8')).toBe('mine');
    expect(await new FakeProcess({ cwd }).run('init', '--server', SERVER, '--force')).toBe(0);
    expect(readFileSync(join(cwd, WORKFLOW), 'utf8')).not.toBe('mine');
  });

  it.each(['maestro.example.com', 'https://a.example/${{ github.token }}', 'https://a.example #'])(
    'refuses the address %s',
    async (server) => {
      const cwd = project({});
      const process = new FakeProcess({ cwd });
      expect(await process.run('init', '--server', server)).toBe(2);
      expect(existsSync(join(cwd, WORKFLOW))).toBe(false);
    },
  );
});

describe('maestro init in a repository on GitHub', () => {
  it('says how to get the workflow, and writes none without an address', async () => {
    const cwd = project({ '.git/config': '[remote "origin"]\n\turl = git@github.com:acme/app.git\n' });
    const process = new FakeProcess({ cwd });
    expect(await process.run('init')).toBe(0);
    expect(process.err).toContain('maestro init --server URL');
    expect(existsSync(join(cwd, WORKFLOW))).toBe(false);
  });

  it('names the action that is given, and asks to pin one that is no commit', async () => {
    const cwd = project({});
    const process = new FakeProcess({ cwd });
    expect(await process.run('init', '--server', SERVER, '--action', 'acme/maestro@main')).toBe(0);
    expect(readFileSync(join(cwd, WORKFLOW), 'utf8')).toContain('uses: acme/maestro@main\n');
    expect(process.out + process.err).toContain('pin the action');
    const pinned = new FakeProcess({ cwd });
    const action = `acme/maestro@${'a'.repeat(40)}`;
    expect(await pinned.run('init', '--server', SERVER, '--action', action, '--force')).toBe(0);
    expect(pinned.out + pinned.err).not.toContain('pin the action');
  });

  it.each(['acme', 'acme/maestro', 'acme/maestro@x\n  evil: 1', '../x@y@z'])(
    'refuses %j as an action',
    async (action) => {
      const cwd = project({});
      expect(await new FakeProcess({ cwd }).run('init', '--server', SERVER, '--action', action)).toBe(2);
      expect(existsSync(join(cwd, WORKFLOW))).toBe(false);
      expect(await new FakeProcess({ cwd }).run('init', '--action', 'acme/maestro@main')).toBe(2);
    },
  );
});
