import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { type Ended, Project } from './maestro.ts';

const STEP = '  - { id: one, run: "true" }\n';
const STEPS_MAX = 10_000;
const MEBIBYTE = 1024 * 1024;
/** Nothing that a file holds may keep the linter busy for longer, processes and a busy machine included. */
const LINT_MS_MAX = 20_000;

const nested = '('.repeat(5000);
const bomb = [
  'a: &a [x,x,x,x,x,x,x,x,x,x]',
  ...'bcdefgh'.split('').map((name, at) => `${name}: &${name} [${`*${'abcdefg'[at]},`.repeat(9)}x]`),
];

interface BadFile {
  readonly title: string;
  readonly text: string | Uint8Array;
  /** Codes that are among the findings. */
  readonly codes: readonly string[];
}

const BAD_FILES: readonly BadFile[] = [
  { title: 'broken YAML', text: 'name: broken\nsteps:\n  - id: a\n   run: [\n', codes: ['yaml-syntax'] },
  { title: 'an unknown key', text: `name: unknown\nstepz: []\nsteps:\n${STEP}`, codes: ['schema-key-unknown'] },
  {
    title: 'a cycle',
    text: 'name: cycle\nsteps:\n  - { id: a, run: "true", needs: [b] }\n  - { id: b, run: "true", needs: [a] }\n',
    codes: ['step-cycle'],
  },
  { title: 'two steps of one id', text: `name: twins\nsteps:\n${STEP}${STEP}`, codes: ['step-duplicate'] },
  {
    title: 'one step more than the limit',
    text: `name: many\nsteps:\n${Array.from({ length: STEPS_MAX + 1 }, (_, at) => `  - { id: s${at}, run: "true" }\n`).join('')}`,
    codes: ['steps-limit'],
  },
  { title: 'a billion laughs', text: `name: laughs\n${bomb.join('\n')}\nsteps: *h\n`, codes: ['yaml-alias-limit'] },
  {
    title: 'a file of 5 MB',
    text: `name: large\nsteps:\n${STEP}#${'x'.repeat(5 * MEBIBYTE)}`,
    codes: ['file-too-large'],
  },
  {
    title: 'a binary file',
    text: new Uint8Array([0x7f, 0x45, 0x4c, 0x46, 0, 1, 2, 0xff, 0xfe, 0]),
    codes: ['FILE_NOT_READABLE'],
  },
  { title: 'tabs', text: 'name: tabs\nsteps:\n\t- id: a\n\t  run: "true"\n', codes: ['yaml-tab'] },
  {
    title: 'a matrix of 10^8 combinations',
    text: `name: matrix\nsteps:\n  - id: a\n    run: "true"\n    matrix:\n${'abcdefgh'
      .split('')
      .map((key) => `      ${key}: [1,2,3,4,5,6,7,8,9,10]\n`)
      .join('')}`,
    codes: ['matrix-limit'],
  },
  { title: 'nothing', text: '', codes: ['yaml-empty'] },
  { title: 'a number', text: '42', codes: ['schema-type'] },
  {
    title: 'a condition that reads a secret',
    text: `name: hostile\nsteps:\n  - id: a\n    if: secrets.TOKEN == 'x'\n    run: "true"\n`,
    codes: ['secret-in-condition'],
  },
  {
    title: 'an expression that reaches for the language below it',
    text: 'name: hostile\nsteps:\n  - id: a\n    run: echo ${{ constructor.constructor }}\n',
    codes: ['expression-context-unknown'],
  },
  {
    title: 'an expression nested 5,000 times',
    text: `name: hostile\nsteps:\n  - id: a\n    if: ${nested}1${')'.repeat(5000)}\n    run: "true"\n`,
    codes: ['expression-syntax'],
  },
];

describe('pipelines that cannot run', () => {
  const project = new Project();
  let linted: Ended;
  // One process for all: what one file does to it, the others suffer.
  beforeAll(async () => {
    BAD_FILES.forEach(({ text }, at) => void project.write(`bad${at}.yaml`, text));
    linted = await project.maestro('lint', ...BAD_FILES.map((_, at) => `bad${at}.yaml`), '--json');
  });
  afterAll(() => project.remove());

  it('end the linter with exit code 1, and soon', () => {
    expect(linted).toMatchObject({ code: EXIT.failed, signal: null });
    expect(linted.tookMs).toBeLessThan(LINT_MS_MAX);
  });

  it.each(BAD_FILES.map((file, at) => ({ ...file, name: `bad${at}.yaml` })))(
    '$title: findings with a place',
    ({ name, codes }) => {
      const all = JSON.parse(linted.stdout) as Record<string, unknown>[];
      const findings = all.filter(({ file }) => file === name);
      expect(findings.map((finding) => finding.code)).toEqual(expect.arrayContaining([...codes]));
      for (const finding of findings) {
        expect(finding).toEqual({
          file: name,
          line: expect.any(Number),
          column: expect.any(Number),
          severity: expect.stringMatching(/^(error|warning)$/),
          code: expect.any(String),
          message: expect.any(String),
        });
      }
    },
  );

  it('a folder and a missing file: findings, and exit code 1', async () => {
    mkdirSync(join(project.root, 'folder.yaml'));
    const { code, stdout } = await project.maestro('lint', 'folder.yaml', 'missing.yaml', '--json');
    expect(code).toBe(EXIT.failed);
    expect(JSON.parse(stdout)).toMatchObject([{ code: 'FILE_NOT_READABLE' }, { code: 'FILE_NOT_READABLE' }]);
  });

  it('are refused by `run` with exit code 2 before anything is stored', async () => {
    const { code, stdout, stderr } = await project.maestro('run', 'bad0.yaml', '--json');
    expect(code).toBe(EXIT.usage);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'PIPELINE_INVALID', nextStep: expect.any(String) } });
    expect(stderr).toContain('yaml-syntax');
    const { stdout: tree } = await project.maestro('plan', 'bad0.yaml', '--json');
    expect(JSON.parse(tree)).toMatchObject({ error: { code: 'PIPELINE_INVALID' } });
  });

  it('CRLF line ends are no mistake', async () => {
    project.write('crlf.yaml', `name: crlf\nsteps:\n${STEP}`.replaceAll('\n', '\r\n'));
    const { code, stdout } = await project.maestro('lint', 'crlf.yaml', '--json');
    expect({ code, findings: JSON.parse(stdout) }).toEqual({ code: EXIT.ok, findings: [] });
  });
});
