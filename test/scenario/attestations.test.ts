import { spawnSync } from 'node:child_process';
import { appendFileSync, copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { PREDICATE_TYPES } from '../../src/provenance/attestations/predicate-types.ts';
import { EMPTY_ROOT } from '../../src/provenance/disclosure/verify-text.ts';
import { describeWith } from '../real-parts.ts';
import { type Ended, Project } from './maestro.ts';

const TIMEOUT_MS = 120_000;
const GUIDE = readFileSync(resolve(import.meta.dirname, '../../docs/guides/attestations.md'), 'utf8').replace(
  / \\\n +/g,
  ' ',
);
const PIPELINE = /```yaml\n([\s\S]*?)```/.exec(GUIDE)?.[1] ?? '';
const FILE = 'dist/app-1.0.0.tgz';

/** The pipeline of the guide, run by the real program; then each of its commands. */
describe('the guide to attestations, followed', { timeout: TIMEOUT_MS }, () => {
  const project = new Project();
  let ran: Ended;
  beforeAll(async () => {
    project.write('package.json', '{"name":"app","version":"1.0.0"}');
    project.write('.maestro/release.yaml', PIPELINE);
    ran = await project.maestro('run', 'release', '--json');
    await project.maestro('attestations', 'latest', '-o', 'proof');
    copyFileSync(join(project.root, 'proof/maestro.pub'), join(project.root, 'team.pub'));
    writeFileSync(join(project.root, 'empty-root.json'), EMPTY_ROOT);
    writeFileSync(join(project.root, 'changed.tgz'), readFileSync(join(project.root, FILE)));
    appendFileSync(join(project.root, 'changed.tgz'), 'x');
  }, TIMEOUT_MS);
  afterAll(() => project.remove());
  const words = (start: string): readonly string[] => {
    const line = GUIDE.split('\n').find((one) => one.startsWith(start));
    return (line ?? '').split(' ').slice(1);
  };

  it('has steps that sign, and keeps what they wrote as artifacts', () => {
    const { status, steps } = JSON.parse(ran.stdout) as {
      status: string;
      steps: readonly { id: string; artifacts: readonly { name: string; path: string }[] }[];
    };
    expect(status).toBe('succeeded');
    expect(steps.map(({ id, artifacts }) => [id, artifacts.map(({ path }) => path)])).toEqual([
      ['build', ['app-1.0.0.tgz']],
      ['sign', ['app-1.0.0.tgz.sigstore.json']],
      ['provenance', ['app-1.0.0.tgz.intoto.jsonl']],
    ]);
  });

  it('lists the statements, and writes them with the key', async () => {
    const { stdout } = await project.maestro('attestations', 'latest', '--json');
    const { attestations } = JSON.parse(stdout) as { attestations: readonly { kind: string; step: string | null }[] };
    expect(attestations.map(({ kind }) => kind).toSorted()).toEqual([
      'gate-result',
      'provenance',
      'signature',
      'verification-summary',
    ]);
    const files = readdirSync(join(project.root, 'proof'));
    expect(files.filter((name) => name.endsWith('.sigstore.json'))).toHaveLength(4);
    expect(files).toEqual(expect.arrayContaining(['maestro.pub', 'vsa.json']));
  });

  it('verifies the file, and refuses a changed one, another type and another key', async () => {
    const verify = words('maestro verify');
    expect(await project.maestro(...verify)).toMatchObject({ code: EXIT.ok });
    const changed = verify.map((word) => (word === FILE ? 'changed.tgz' : word));
    const refused = await project.maestro(...changed);
    expect(refused).toMatchObject({
      code: EXIT.unverified,
      stderr: expect.stringContaining('SUBJECT_MISMATCH') as string,
    });
    const typed = await project.maestro(...verify.map((word) => (word === 'signature' ? 'sbom' : word)));
    expect(typed).toMatchObject({
      code: EXIT.unverified,
      stderr: expect.stringContaining('PREDICATE_TYPE_WRONG') as string,
    });
    expect(await project.maestro('verify', FILE, '--type', 'sbom')).toMatchObject({ code: EXIT.usage });
  });

  it('does not release what has neither SBOM nor an assessment of its risk', async () => {
    const gate = await project.maestro('gate', 'latest', '--json', '--manifest');
    expect(gate.code).toBe(EXIT.failed);
    expect(JSON.parse(gate.stdout)).toMatchObject({
      isPassed: false,
      reasons: [{ code: 'SBOM_MISSING' }, { code: 'RISK_MISSING' }],
      manifest: { run: { purpose: 'release' } },
    });
  });

  for (const [part, extra] of [
    ['cosign2', ['--new-bundle-format', '--trusted-root', 'empty-root.json']],
    ['cosign3', []],
  ] as const) {
    describeWith(part, `as ${part} sees it`, (program) => {
      const cosign = (bundle: string, type: string, file: string) => {
        const given = ['--key', 'team.pub', '--bundle', bundle, '--insecure-ignore-tlog', ...extra, '--type', type];
        const env = { HOME: project.root, HTTPS_PROXY: 'http://127.0.0.1:9' };
        return spawnSync(program, ['verify-blob-attestation', ...given, file], {
          cwd: project.root,
          env,
          encoding: 'utf8',
        });
      };

      it.each([
        ['app-1.0.0.tgz.sigstore.json', PREDICATE_TYPES.signature],
        ['app-1.0.0.tgz.intoto.jsonl', PREDICATE_TYPES.provenance],
      ])('%s holds for the file, and not for a changed one', (bundle, type) => {
        expect(cosign(bundle, type, FILE)).toMatchObject({ status: 0 });
        expect(cosign(bundle, type, 'changed.tgz').status).not.toBe(0);
      });

      it('is verified by the command of the guide', () => {
        const given = words('cosign verify-blob-attestation');
        const env = { HOME: project.root };
        const { status } = spawnSync(program, [...given, ...extra], { cwd: project.root, env, encoding: 'utf8' });
        expect(status).toBe(0);
      });
    });
  }
});
