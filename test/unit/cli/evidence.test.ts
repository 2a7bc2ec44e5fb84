import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exportProgress } from '../../../src/cli/register/export-progress.ts';
import { type ExportProgress, exportRegister } from '../../../src/cli/register/export-register.ts';
import { openTileFolder } from '../../../src/cli/register/tile-folder.ts';
import { Door } from '../api/door.ts';
import {
  closeLeaf,
  leavesOf,
  newLogSigner,
  openLeaf,
  receiptOf,
  runIdOf,
  textsOf,
} from '../provenance/evidence-log/sample-log.ts';
import { FakeProcess, finished, project } from './harness.ts';

const RUNS = 4;

/** A project whose register holds some runs, all of which the store knows. */
function world(leaves = textsOf(leavesOf(RUNS))) {
  const client = finished('succeeded');
  const register = client.evidence;
  register.entries = leaves;
  register.runs = Array.from({ length: RUNS }, (_, run) => ({
    runId: runIdOf(run),
    isOverdue: false,
    payloadSha256: receiptOf(run),
  }));
  const cwd = project();
  const run = async (...words: string[]): Promise<{ exit: number; out: string; err: string }> => {
    const shell = new FakeProcess({ cwd, client });
    const exit = await shell.run('evidence', ...words);
    return { exit, out: shell.out, err: shell.err };
  };
  const codes = async (...words: string[]): Promise<readonly string[]> => {
    const { out } = await run('audit', '--json', ...words);
    const told = JSON.parse(out) as { findings?: { code: string }[]; error?: { code: string } };
    return told.findings?.map(({ code }) => code) ?? [told.error?.code ?? ''];
  };
  return { cwd, register, run, codes };
}

describe('maestro evidence checkpoint', () => {
  it('prints what the register has signed, to be kept', async () => {
    const { register, run } = world();
    expect(await run('checkpoint')).toMatchObject({ exit: 0, out: (await register.checkpoint()).checkpoint });
    const { out } = await run('checkpoint', '--json');
    expect(JSON.parse(out)).toMatchObject({ origin: register.signer.origin, size: 8 });
  });

  it('says that a register is empty', async () => {
    expect((await world([]).run('checkpoint')).err).toContain('EVIDENCE_NOT_FOUND');
  });
});

describe('maestro evidence audit', () => {
  it('finds nothing in a register that is whole, also after it has grown', async () => {
    const { cwd, register, run } = world();
    writeFileSync(join(cwd, 'kept'), (await register.checkpoint()).checkpoint);
    writeFileSync(join(cwd, 'log.pub'), `${register.signer.verifierKey}\n`);
    register.entries.push(...textsOf([openLeaf(9)]));
    register.runs.push({ runId: runIdOf(9), isOverdue: false, payloadSha256: null });
    const { exit, out } = await run('audit', '--checkpoint', 'kept', '--log-key', 'log.pub', '--json');
    expect(exit).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      isValid: true,
      size: 9,
      kept: 1,
      isKeyTrusted: true,
      isStoreCompared: true,
      runs: 5,
      openRuns: 1,
      findings: [],
    });
    expect((await run('audit')).out).toContain('whole: 9 leaves');
  });

  it('takes a proof that somebody kept for a checkpoint', async () => {
    const { cwd, register, codes } = world();
    const { close } = await register.proofs(runIdOf(2));
    writeFileSync(join(cwd, 'receipt.tlog-proof'), close?.proof ?? '');
    register.entries = textsOf(leavesOf(9).slice(2));
    expect(await codes('--checkpoint', 'receipt.tlog-proof')).toContain('LOG_FORKED');
  });

  it('finds leaves that are gone, and a register that went back', async () => {
    const { cwd, register, codes, run } = world();
    writeFileSync(join(cwd, 'kept'), (await register.checkpoint()).checkpoint);
    register.signed = [...register.entries];
    register.entries.splice(-1);
    expect(await codes()).toEqual(['LOG_TRUNCATED']);
    register.signed = undefined;
    expect(await codes('--checkpoint', 'kept')).toContain('LOG_ROLLED_BACK');
    expect((await run('audit', '--checkpoint', 'kept')).exit).toBe(5);
  });

  it('finds what the store knows better', async () => {
    const { register, codes } = world(textsOf([...leavesOf(2), openLeaf(2), openLeaf(3)]));
    register.runs = [
      { runId: runIdOf(0), isOverdue: false, payloadSha256: receiptOf(1) },
      { runId: runIdOf(2), isOverdue: true, payloadSha256: null },
    ];
    register.strangers = [runIdOf(7)];
    // Another receipt, a receipt that is gone, an end that was kept back, a run that is gone, one that was never told.
    expect(await codes()).toEqual([
      'CLOSE_MISMATCH',
      'CLOSE_MISMATCH',
      'OPEN_WITHOUT_CLOSE',
      'OPEN_WITHOUT_CLOSE',
      'RUN_NOT_LOGGED',
    ]);
  });

  it('does not believe another key than the one that is given', async () => {
    const { cwd, codes } = world();
    writeFileSync(join(cwd, 'log.pub'), newLogSigner().verifierKey);
    expect(await codes('--log-key', 'log.pub')).toEqual(['KEY_UNKNOWN']);
    writeFileSync(join(cwd, 'log.pub'), 'no key');
    expect(await codes('--log-key', 'log.pub')).toEqual(['KEY_INVALID']);
  });

  it('reads the register of a server, where a run that is not over for long is a finding', async () => {
    const door = await new Door().open();
    try {
      const began = '01kdxyz0a0';
      door.register.entries = textsOf([...leavesOf(1000), openLeaf(5000), openLeaf(5001), closeLeaf(5001)]);
      expect(openLeaf(5000).runId.startsWith(began)).toBe(true);
      const { run } = world();
      const whole = await run('audit', '--server', door.url, '--json');
      expect(JSON.parse(whole.out)).toMatchObject({ isValid: true, size: 2003, isStoreCompared: false, openRuns: 1 });
      // The clock of these tests stands a few minutes after the ids.
      const late = await run('audit', '--server', door.url, '--open-max', '1s', '--json');
      expect(JSON.parse(late.out)).toMatchObject({ findings: [{ code: 'OPEN_WITHOUT_CLOSE', runId: runIdOf(5000) }] });
      expect(late.exit).toBe(5);
    } finally {
      await door.close();
    }
  });

  it.each([
    [['audit', 'more']],
    [['audit', '--open-max', 'soon']],
    [['audit', '--server', 'http://example.com']],
    [['audit', '--checkpoint', 'nowhere']],
    [['sign']],
    [['export']],
    [['export', 'archive', '--retain', '7y']],
    [['export', 'archive', '--retain-mode', 'compliance']],
    [['export', 'archive', '--endpoint', 'https://s3.example.com']],
    [['export', 's3://Not-A-Bucket']],
    [['export', 'S3://acme', '--retain', '7y']],
    [['export', 'gs://acme']],
    [['audit', '--export', 'https://acme.example', '--log-key', 'log.pub']],
    [['export', 's3://acme', '--retain', 'long']],
    [['export', 's3://acme', '--retain', '7y', '--retain-mode', 'legal']],
    [['export', 's3://acme', '--endpoint', 'http://s3.example.com']],
    [['audit', '--export', 'archive']],
    [['audit', '--export', 'archive', '--log-key', 'nowhere']],
  ])('is a wrong request as %s', async (words) => {
    expect((await world().run(...words)).exit).toBe(2);
  });
});

describe('maestro evidence export', () => {
  const filesOf = (folder: string): string[] =>
    readdirSync(folder, { recursive: true, encoding: 'utf8', withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));

  it('writes read-only files, and each time only what is new', async () => {
    const { cwd, register, run } = world(textsOf(leavesOf(200)));
    const folder = join(cwd, 'archive');
    expect(await run('export', 'archive')).toMatchObject({
      exit: 0,
      out: expect.stringContaining('exported 400 leaves'),
    });
    const before = new Map(filesOf(folder).map((path) => [path, readFileSync(path)]));
    for (const path of before.keys()) expect(statSync(path).mode & 0o222).toBe(0);
    expect(await run('export', 'archive')).toMatchObject({
      exit: 0,
      out: expect.stringContaining('exported 0 leaves'),
    });
    register.entries = textsOf(leavesOf(300));
    expect((await run('export', 'archive')).exit).toBe(0);
    const changed = [...before].filter(([path, bytes]) => !readFileSync(path).equals(bytes)).map(([path]) => path);
    expect(changed).toEqual([join(folder, 'checkpoint')]);
    expect(readFileSync(join(folder, 'checkpoint'), 'utf8')).toBe((await register.checkpoint()).checkpoint);
    expect(existsSync(join(folder, 'tile/0/001'))).toBe(true);
    expect(existsSync(join(folder, 'checkpoints/0000000000000600'))).toBe(true);
    expect(filesOf(folder).filter((path) => path.endsWith('.part'))).toEqual([]);
  });

  it('does not go on with another register, or one that went back', async () => {
    const { register, run } = world(textsOf(leavesOf(200)));
    await run('export', 'archive');
    const whole = register.entries;
    register.entries = textsOf(leavesOf(100));
    expect((await run('export', 'archive')).err).toContain('LOG_ROLLED_BACK');
    register.entries = [...textsOf(leavesOf(250).slice(2)), ...textsOf(leavesOf(2))];
    expect((await run('export', 'archive')).err).toContain('LOG_FORKED');
    register.signed = [...whole, 'more'];
    register.entries = whole;
    expect((await run('export', 'archive')).err).toContain('LOG_TRUNCATED');
    register.signed = undefined;
    register.signer = newLogSigner();
    expect((await run('export', 'archive')).err).toContain('KEY_UNKNOWN');
  });

  it('does not go on from files that somebody changed', async () => {
    const { cwd, register, run } = world(textsOf(leavesOf(200)));
    await run('export', 'archive');
    register.entries = textsOf(leavesOf(250));
    const tile = join(cwd, 'archive/tile/0/001.p/144');
    chmodSync(tile, 0o644);
    writeFileSync(tile, readFileSync(tile).fill(0, 0, 32));
    expect((await run('export', 'archive')).err).toContain('LOG_FORKED');
    writeFileSync(tile, '');
    expect((await run('export', 'archive')).err).toContain('CONFLICT');
  });
});

describe('a long export', () => {
  it('says now and then how far it is', () => {
    let now = 0;
    const notes: string[] = [];
    const shell = { clock: { now: () => now }, output: { note: (text: string) => void notes.push(text) } };
    const tell = exportProgress(shell);
    for (const [atMs, leaves] of [
      [1000, 1000],
      [4999, 2000],
      [5000, 3000],
      [9000, 4000],
      [10_000, 5000],
    ] as const) {
      now = atMs;
      tell({ deed: 'written', leaves, of: 9000 });
    }
    expect(notes).toEqual(['written 3000 of 9000 leaves', 'written 5000 of 9000 leaves']);
  });

  it('is told of all leaves twice: when they are checked, and when they are written', async () => {
    const { cwd, register } = world(textsOf(leavesOf(1500)));
    const told: ExportProgress[] = [];
    const store = openTileFolder(join(cwd, 'archive'));
    await exportRegister({ reader: register, key: undefined, onProgress: (progress) => told.push(progress) }, store);
    expect(told.map(({ deed, leaves, of }) => [deed, leaves, of])).toEqual(
      ['checked', 'written'].flatMap((deed) => [1000, 2000, 3000].map((leaves) => [deed, leaves, 3000])),
    );
  });
});

describe('maestro evidence audit --export', () => {
  /** A project with an export in a folder, and the key of its register. */
  async function exported(runs = 300) {
    const here = world(textsOf(leavesOf(runs)));
    writeFileSync(join(here.cwd, 'log.pub'), here.register.signer.verifierKey);
    await here.run('export', 'archive');
    const change = (path: string, act: (bytes: Buffer) => Buffer | undefined): void => {
      const file = join(here.cwd, 'archive', path);
      const bytes = act(readFileSync(file));
      rmSync(file);
      if (bytes) writeFileSync(file, bytes);
    };
    return { ...here, change, found: () => here.codes('--export', 'archive', '--log-key', 'log.pub') };
  }

  it('reads the files and nothing else, and finds them whole', async () => {
    const { run, register } = await exported();
    register.entries = [];
    const { exit, out } = await run('audit', '--export', 'archive', '--log-key', 'log.pub', '--json');
    expect(exit).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ isValid: true, size: 600, runs: 300, isKeyTrusted: true, kept: 0 });
  });

  it.each<[string, string, (bytes: Buffer) => Buffer | undefined, string[]]>([
    ['a bundle of leaves that is gone', 'tile/entries/001', () => undefined, ['LOG_TRUNCATED']],
    ['a bundle that is cut off', 'tile/entries/001', (bytes) => bytes.subarray(0, -1), ['LOG_TRUNCATED']],
    ['the last leaves gone', 'tile/entries/002.p/88', () => undefined, ['LOG_TRUNCATED']],
    [
      'a leaf that was changed',
      'tile/entries/000',
      (bytes) => bytes.fill('x', 10, 11),
      ['LEAF_MALFORMED', 'CLOSE_WITHOUT_OPEN', 'LOG_FORKED'],
    ],
    ['a hash that was changed', 'tile/0/001', (bytes) => bytes.fill(0, 0, 32), ['LOG_FORKED']],
    ['a tile of hashes that is gone', 'tile/1/000.p/2', () => undefined, ['LOG_FORKED']],
    ['its newest checkpoint gone', 'checkpoints/0000000000000600', () => undefined, ['LOG_ROLLED_BACK']],
    ['its newest checkpoint changed', 'checkpoints/0000000000000600', () => Buffer.from('x'), ['CHECKPOINT_MALFORMED']],
    ['the checkpoint that it shows changed', 'checkpoint', () => Buffer.from('x'), ['CHECKPOINT_MALFORMED']],
    ['the checkpoint that it shows gone, as where an export was cut off', 'checkpoint', () => undefined, []],
  ])('finds %s', async (_name, path, act, codes) => {
    const { change, found, run, register } = await exported(150);
    register.entries = textsOf(leavesOf(300));
    await run('export', 'archive');
    change(path, act);
    expect([...new Set(await found())]).toEqual(codes);
  });

  it('is not led to an older checkpoint by a name that says it is newer', async () => {
    const { cwd, found } = await exported();
    const checkpoints = join(cwd, 'archive/checkpoints');
    writeFileSync(join(checkpoints, '0000000000009999'), readFileSync(join(checkpoints, '0000000000000600')));
    expect(await found()).toEqual(['LOG_ROLLED_BACK']);
  });

  it('takes no file that is larger than any of a register', async () => {
    const { change, found } = await exported();
    change('tile/entries/000', () => Buffer.alloc(256 * 65_537 + 1));
    expect(await found()).toEqual(['FILE_TOO_LARGE']);
  });

  it('finds nothing where nothing was exported, and believes no other key', async () => {
    const { codes, cwd } = await exported();
    expect(await codes('--export', 'elsewhere', '--log-key', 'log.pub')).toEqual(['EVIDENCE_NOT_FOUND']);
    writeFileSync(join(cwd, 'other.pub'), newLogSigner().verifierKey);
    expect(await codes('--export', 'archive', '--log-key', 'other.pub')).toEqual(['KEY_UNKNOWN']);
    expect(await codes('--export', 'archive', '--log-key', 'log.pub', '--server', 'https://x.example')).toEqual([
      'USAGE',
    ]);
  });
});
