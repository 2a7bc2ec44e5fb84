import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { type Ended, Project } from './maestro.ts';

const TIMEOUT_MS = 90_000;
const TWO_STEPS = `name: two
steps:
  - { id: first, run: echo one }
  - { id: second, needs: [first], run: echo two }
`;

describe('what a run leaves behind', { timeout: TIMEOUT_MS }, () => {
  const project = new Project();
  const state = join(project.root, '.maestro', 'state');
  let ran: Ended;
  beforeAll(async () => {
    project.write('.maestro/two.yaml', TWO_STEPS);
    ran = await project.maestro('run', 'two', '--json');
  }, TIMEOUT_MS);
  afterAll(() => project.remove());

  it('answers `run` and `status` with one shape', async () => {
    const decision = { verdict: 'allow', reasons: [], packDigest: DIGEST, inputDigest: DIGEST };
    const run = JSON.parse(ran.stdout);
    expect(run).toMatchObject({
      id: expect.stringMatching(/^[0-9a-hjkmnp-tv-z]{26}$/),
      pipeline: 'two',
      status: 'succeeded',
      planDigest: DIGEST,
      decision,
      receipt: { status: 'signed', payloadSha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
    expect(run.steps).toMatchObject(
      ['first', 'second'].map((id) => ({
        id,
        status: 'succeeded',
        attempts: 1,
        startedAt: TIME,
        finishedAt: TIME,
        decision,
      })),
    );
    const status = await project.maestro('status', 'latest', '--json');
    expect(JSON.parse(status.stdout)).toEqual(run);
    const list = await project.maestro('status', '--json');
    expect(JSON.parse(list.stdout)).toMatchObject([{ id: run.id, pipeline: 'two', status: 'succeeded' }]);
  });

  it('answers `plan` with steps, decisions and an estimate', async () => {
    const { code, stdout } = await project.maestro('plan', 'two', '--json');
    expect(code).toBe(EXIT.ok);
    expect(JSON.parse(stdout)).toMatchObject({
      name: 'two',
      digest: JSON.parse(ran.stdout).planDigest,
      steps: [
        { id: 'first', needs: [] },
        { id: 'second', needs: ['first'] },
      ],
      estimate: expect.any(Object),
    });
    expect(Object.keys(JSON.parse(stdout))).toContain('decisions');
  });

  it('ignores itself in git, and keeps its key outside of the project’s state', () => {
    expect(readFileSync(join(state, '.gitignore'), 'utf8')).toBe('*\n');
    const keys = join(project.root, '.keys', 'maestro');
    const names = readdirSync(keys, { recursive: true, encoding: 'utf8' });
    expect(names.filter((name) => name.endsWith('.pem'))).toHaveLength(2);
    for (const name of names) expect(statSync(join(keys, name)).mode & 0o077).toBe(0);
    expect(readdirSync(state, { recursive: true }).join('\n')).not.toContain('.pem');
  });

  it('gives a receipt that holds, until one byte of it changes', async () => {
    const wrote = await project.maestro('receipt', 'latest', '-o', 'proof', '--json');
    expect(JSON.parse(wrote.stdout)).toMatchObject({ run: JSON.parse(ran.stdout).id, files: FILES });
    const files = FILES.map((name) => join(project.root, 'proof', name));
    expect(await project.maestro('verify', 'proof')).toMatchObject({ code: EXIT.ok });
    for (const file of files.slice(0, 2)) {
      const bytes = readFileSync(file);
      const changed = Buffer.from(bytes);
      const at = Math.floor(bytes.length / 2);
      // Another letter or digit, so that the file stays well-formed.
      changed[at] = bytes[at] === 0x41 ? 0x42 : 0x41;
      writeFileSync(file, changed);
      const verified = await project.maestro('verify', 'proof', '--json');
      expect(verified.code).toBe(EXIT.unverified);
      expect(JSON.parse(verified.stdout)).toMatchObject({ error: { code: expect.stringMatching(/^[A-Z_]+$/) } });
      writeFileSync(file, bytes);
    }
    expect(await project.maestro('verify', 'proof')).toMatchObject({ code: EXIT.ok });
  });

  it('says STATE_CORRUPT where the database was damaged, and changes nothing', async () => {
    const control = join(state, 'database', 'global', 'pg_control');
    const whole = readFileSync(control);
    truncateSync(control, 100);
    const { code, stdout } = await project.maestro('status', '--json');
    expect(code).toBe(EXIT.failed);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'STATE_CORRUPT' } });
    expect(statSync(control).size).toBe(100);
    writeFileSync(control, whole);
    expect(await project.maestro('status')).toMatchObject({ code: EXIT.ok });
  });

  it('says STATE_CORRUPT where the database is something else', async () => {
    const other = new Project();
    try {
      other.write('.maestro/state/database', 'not a folder');
      const { code, stdout } = await other.maestro('status', '--json');
      expect(code).toBe(EXIT.failed);
      expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'STATE_CORRUPT' } });
    } finally {
      other.remove();
    }
  });

  it('is not run by a second process at the same time', async () => {
    project.write('.maestro/slow.yaml', 'name: slow\nsteps:\n  - { id: wait, run: "echo begun; sleep 3201" }\n');
    const running = project.start(['run', 'slow']);
    await running.says('begun');
    const second = await project.maestro('run', 'two', '--json');
    expect(second.code).toBe(EXIT.failed);
    expect(JSON.parse(second.stdout)).toMatchObject({ error: { code: 'STATE_LOCKED' } });
    running.child.kill('SIGINT');
    expect(await running.ended).toMatchObject({ code: EXIT.failed });
    expect(await project.maestro('run', 'two')).toMatchObject({ code: EXIT.ok });
  });
});

const DIGEST = expect.stringMatching(/^sha256:[0-9a-f]{64}$/);
const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
const FILES = ['run.json', 'receipt.sigstore.json', 'maestro.pub', 'receipt.tlog-proof', 'log.pub'];

/** A file system of its own needs root; a limit of file sizes would not show a full disk. */
const canMount = process.platform === 'linux' && process.getuid?.() === 0;
const MOUNT_MEBIBYTES = 90;

describe.skipIf(!canMount)(
  `a full disk${canMount ? '' : ' (needs root, for a file system of its own)'}`,
  { timeout: TIMEOUT_MS },
  () => {
    const project = new Project();
    const home = join(project.root, 'small');
    beforeAll(() => {
      project.write('small/.keep', '');
      rmSync(join(home, '.keep'));
      spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${MOUNT_MEBIBYTES}m`, 'tmpfs', home]);
    });
    afterAll(() => {
      spawnSync('umount', [home]);
      project.remove();
    });
    const maestro = (...words: string[]): Promise<Ended> => project.start(words, { MAESTRO_HOME: home }).ended;

    it('fails the step that fills it, keeps what was stored, and works again when there is space', async () => {
      project.write('.maestro/two.yaml', TWO_STEPS);
      project.write(
        '.maestro/fill.yaml',
        'name: fill\nsteps:\n  - id: fill\n    retry: 0\n    run: head -c 100000000 /dev/urandom > big\n    artifacts: [{ name: big, path: big }]\n',
      );
      expect(await maestro('run', 'two')).toMatchObject({ code: EXIT.ok });
      const filled = await maestro('run', 'fill', '--json');
      expect(filled.code).toBe(EXIT.failed);
      expect(filled.stdout).toContain('no space left');
      expect(await maestro('run', 'two')).toMatchObject({ code: EXIT.ok });
      writeFileSync(join(home, 'ballast'), Buffer.alloc(freeBytes(home)));
      const full = await maestro('run', 'two', '--json');
      expect(full.code).toBe(EXIT.failed);
      expect(JSON.parse(full.stdout)).toMatchObject({ error: { code: 'DISK_FULL' } });
      rmSync(join(home, 'ballast'));
      expect(await maestro('run', 'two')).toMatchObject({ code: EXIT.ok });
      const list = await maestro('status', '--json');
      expect(JSON.parse(list.stdout).length).toBeGreaterThanOrEqual(3);
    });
  },
);

function freeBytes(folder: string): number {
  const { stdout } = spawnSync('df', ['--output=avail', '-B1', folder], { encoding: 'utf8' });
  return Number(stdout.split('\n')[1]);
}
