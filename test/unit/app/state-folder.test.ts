import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { prepareStateFolder } from '../../../app/state-folder.ts';

const folder = (): string => join(mkdtempSync(join(tmpdir(), 'maestro-state-')), 'a', 'state');
const modeOf = (path: string): number => statSync(path).mode & 0o777;
const isRoot = process.getuid?.() === 0;

describe('the state folder', () => {
  it('is made for its owner alone, and ignores itself in git', async () => {
    const path = folder();
    await prepareStateFolder(path);
    expect(modeOf(path)).toBe(0o700);
    expect(readFileSync(join(path, '.gitignore'), 'utf8')).toBe('*\n');
  });

  it('that others could enter is closed to them, and taken again', async () => {
    const path = folder();
    mkdirSync(path, { recursive: true });
    chmodSync(path, 0o775);
    await prepareStateFolder(path);
    await prepareStateFolder(path);
    expect(modeOf(path)).toBe(0o700);
  });

  it.skipIf(!isRoot)('of another user is refused, and left as it is', async () => {
    const path = folder();
    mkdirSync(path, { recursive: true, mode: 0o755 });
    chownSync(path, 12_345, 12_345);
    await expect(prepareStateFolder(path)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    expect(modeOf(path)).toBe(0o755);
  });

  it('that cannot be made is a wrong setting', async () => {
    const path = folder();
    mkdirSync(join(path, '../..'), { recursive: true });
    writeFileSync(join(path, '..'), 'a file');
    await expect(prepareStateFolder(path)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});
