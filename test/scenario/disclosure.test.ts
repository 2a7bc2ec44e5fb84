import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeWith } from '../real-parts.ts';
import { Project } from './maestro.ts';

const PIPELINE = `name: golden
kind: ci
purpose: build
on: { push: {} }
steps:
  - id: build
    run: seq 1 100; echo built > out.txt
    artifacts: [{ name: out, path: out.txt }]
  - id: sign
    needs: [build]
    uses: supplychain.sign
    with: { artifact: out }
  - id: test
    needs: [build]
    matrix: { module: [price, stock] }
    run: echo tested \${{ matrix.module }}
`;

describe('a disclosure pack of the command line', () => {
  let project: Project;
  let folder = '';
  beforeAll(async () => {
    project = new Project();
    project.pipeline(PIPELINE);
    await project.maestro('run', 'golden');
    await project.maestro('disclose', 'latest', '-o', 'disclosure.tgz');
    spawnSync('tar', ['-xzf', 'disclosure.tgz'], { cwd: project.root });
    folder = join(project.root, readdirSync(project.root).find((name) => name.startsWith('disclosure-')) ?? '');
  });
  afterAll(() => project.remove());

  /** Commands of VERIFY.md, each as it stands. */
  const commands = (): readonly string[] =>
    [...readFileSync(join(folder, 'VERIFY.md'), 'utf8').matchAll(/```sh\n([\s\S]*?)```/g)].map(
      ([, text]) => text ?? '',
    );
  const shell = (command: string, path: Readonly<Record<string, string>>) => {
    const bin = join(project.root, 'bin');
    mkdirSync(bin, { recursive: true });
    for (const [name, program] of Object.entries(path))
      if (!readdirSync(bin).includes(name)) symlinkSync(program, join(bin, name));
    const env = {
      PATH: `${bin}:${process.env.PATH ?? ''}`,
      HOME: project.root,
      HTTPS_PROXY: 'http://127.0.0.1:9',
      HTTP_PROXY: 'http://127.0.0.1:9',
    };
    return spawnSync('sh', ['-ec', command], { cwd: folder, encoding: 'utf8', env });
  };

  it('is written again as it was, and verified with the key of whoever wrote it', async () => {
    expect(await project.maestro('disclose', 'latest', '-o', 'again.tgz')).toMatchObject({ code: 0 });
    const [first, second] = ['disclosure.tgz', 'again.tgz'].map((name) => readFileSync(join(project.root, name)));
    expect(first?.equals(second as Buffer)).toBe(true);
    expect(first?.byteLength).toBeLessThan(2_000_000);
    const verified = await project.maestro('verify', 'disclosure.tgz', '--key', join(folder, 'maestro.pub'), '--json');
    expect(verified).toMatchObject({ code: 0 });
    expect(JSON.parse(verified.stdout)).toMatchObject({
      isValid: true,
      isKeyTrusted: true,
      run: { status: 'succeeded' },
    });
  });

  it('is refused with another key, and where a byte of it was changed', async () => {
    const other = new Project();
    other.pipeline(PIPELINE);
    await other.maestro('run', 'golden');
    await other.maestro('receipt', 'latest', '-o', 'proof');
    const refused = await project.maestro('verify', 'disclosure.tgz', '--key', join(other.root, 'proof/maestro.pub'));
    expect(refused).toMatchObject({ code: 5, stderr: expect.stringContaining('KEY_UNKNOWN') as string });
    other.remove();
    const bytes = readFileSync(join(project.root, 'disclosure.tgz'));
    bytes.writeUInt8(bytes.readUInt8(5000) ^ 1, 5000);
    writeFileSync(join(project.root, 'flipped.tgz'), bytes);
    const flipped = await project.maestro('verify', 'flipped.tgz', '--key', join(folder, 'maestro.pub'));
    expect(flipped).toMatchObject({ code: 5, stderr: expect.stringContaining('ARCHIVE_MALFORMED') as string });
  });

  it('is not written over another one', async () => {
    project.write('taken.tgz', 'something else');
    expect(await project.maestro('disclose', 'latest', '-o', 'taken.tgz')).toMatchObject({
      code: expect.any(Number) as number,
      stderr: expect.stringContaining('CONFLICT') as string,
    });
    expect(readFileSync(join(project.root, 'taken.tgz'), 'utf8')).toBe('something else');
  });

  for (const part of ['cosign2', 'cosign3'] as const)
    describeWith(part, `stock ${part}`, (cosign) => {
      it('verifies it with the commands of VERIFY.md', () => {
        const all = commands().filter((command) => command.includes('cosign '));
        expect(all).toHaveLength(3);
        const own = all.filter((command) => part === 'cosign3' || !command.includes('--digest'));
        const extra = part === 'cosign2' ? ' --new-bundle-format --trusted-root empty-root.json' : '';
        for (const command of own) {
          const text = command.replaceAll('cosign verify-blob-attestation', `${part} verify-blob-attestation${extra}`);
          expect(shell(text, { [part]: cosign })).toMatchObject({
            status: 0,
            stderr: expect.stringContaining('Verified OK') as string,
          });
        }
      });
    });

  describeWith('opa', 'stock opa', (opa) => {
    it('is asked every question again, and would notice another answer', () => {
      const command = commands().find((text) => text.includes('replay.sh')) ?? '';
      const replayed = shell(command, { opa });
      expect(replayed.stdout).toMatch(/^[1-9]\d* answers are what the receipt says\n$/);
      const answers = readFileSync(join(folder, 'policy/decisions.txt'), 'utf8');
      writeFileSync(join(folder, 'policy/decisions.txt'), answers.replace('allow', 'deny'));
      expect(shell(command, { opa })).toMatchObject({
        status: 1,
        stderr: expect.stringContaining('opa says allow') as string,
      });
      writeFileSync(join(folder, 'policy/decisions.txt'), answers);
    });
  });
});
