import { describe, expect, test } from 'vitest';
import { compilePipeline, lintPipeline } from '../../../src/pipeline/compile.ts';
import { type Finding, LINT_CODES, type LintCode } from '../../../src/pipeline/finding.ts';
import { CATALOG, treeOf } from './sample-catalog.ts';

const FILES = treeOf({
  'tasks/good/maestro.task.json': {
    name: 'good',
    main: ['node', 'main.js'],
    files: ['main.js'],
    capabilities: { secrets: ['TOKEN'] },
  },
  'tasks/good/main.js': 'console.log(1)',
  'tasks/broken/maestro.task.json': '{ "name": 3 }',
  'tasks/hollow/maestro.task.json': { name: 'hollow', main: ['./run'], files: ['run'] },
  'tasks/badschema/maestro.task.json': { name: 'bad', main: ['./run'], input: { type: 'nonsense' } },
  'node_modules/@acme/task/maestro.task.json': { name: 'task', main: ['./run'] },
  'node_modules/@acme/task/package.json': { version: '1.2.0' },
});

/** A pipeline with one script; `more` is put below the step, at its indent. */
const step = (more: string) => `name: sample\nsteps:\n  - id: one\n    run: echo\n${more.replace(/^/gm, '    ')}\n`;
/** A pipeline made of steps alone. */
const steps = (text: string) => `name: sample\nsteps:\n${text}\n`;
/** `release:` first, so that a finding about its key is at the very beginning. */
const release = (wish: string, on = 'tag') =>
  `release: ${wish}\nname: sample\non: ${on}\nsteps:\n  - { id: one, run: a, artifacts: [{ name: app, path: a }] }\n`;
const param = (text: string) =>
  `name: sample\nparams:\n  p: ${text}\nsteps:\n  - { id: one, run: "echo \${{ params.p }}" }\n`;

/** Values and ids of a length that is allowed. */
const LONG_VALUES = Array.from({ length: 256 }, (_, i) => `${i}`.padStart(55, 'v'));
const LAYERS = ['a', 'b', 'c', 'd'].map((id) => id.padEnd(95, 'x'));
const layers = (values: readonly string[], ids = LAYERS): string =>
  `name: sample\nsteps:\n${ids.map((id) => `  - { id: ${id}, run: a, for-each: [${values.join(', ')}] }\n`).join('')}`;

type Case = [code: LintCode, title: string, marked: string, severity?: 'warning'];

/** `@@` stands before the place that the finding must point at. */
const CASES: readonly Case[] = [
  ['file-binary', 'a NUL', 'name: a@@\0b'],
  ['file-binary', 'a control character', 'name: sample\ndescription: "@@\u0007"'],
  ['yaml-empty', 'nothing', '@@'],
  ['yaml-empty', 'comments alone', '@@# to do\n'],
  ['yaml-syntax', 'an unclosed list', 'name: sample\nsteps: [1, 2\n@@kind: ci\n'],
  ['yaml-syntax', 'an unknown tag', `${step('')}env: { A: @@!secret x }`],
  ['yaml-tab', 'a tab as indent', 'name: sample\nsteps:\n@@\t- id: one\n'],
  ['yaml-duplicate-key', 'a key twice', `name: sample\n@@name: other\n${step('').slice(13)}`],
  ['yaml-duplicate-key', 'a step key twice', step('env: { A: 1, @@A: 2 }')],
  ['yaml-multiple-documents', 'two documents', `${step('')}@@---\nname: two\n`],
  ['yaml-key', 'a list as key', step('env:\n  ? @@[a]\n  : 1')],
  ['yaml-key', 'the prototype as key', step('env: { @@__proto__: 1 }')],
  ['yaml-alias', 'an alias of nothing', `${step('')}env: @@*nobody`],
  ['yaml-alias', 'an alias of itself', `${step('')}env: &a { A: @@*a }`],
  ['yaml-alias-limit', '101 aliases', `${step('')}x: &x 1\ny: [${'*x, '.repeat(100)}@@*x]\n`],
  ['yaml-too-deep', '101 levels', `name: sample\nx: ${'['.repeat(100)}@@[]${']'.repeat(100)}\n`],
  ['yaml-too-deep', 'a million brackets', `@@${'['.repeat(20_000)}`],
  ['yaml-flow-expression', 'the mission manifest as printed', step('env: { A: @@${{ params.env }}, B: x }')],
  ['yaml-flow-expression', 'behind other text', step('secrets: [a, img:@@${{ git.sha }}]')],
  ['schema-type', 'a list for a name', 'name: @@[a]\nsteps: [{ id: one, run: echo }]\n'],
  ['schema-type', 'a number for a duration', step('timeout: @@90')],
  ['schema-type', 'not a number', step('env: { A: @@.nan }')],
  ['schema-type', 'a file that is a list', '@@- id: one\n'],
  ['schema-value', 'a duration without unit', step('timeout: @@"90"')],
  ['schema-value', 'a misspelt runner of retries', step('retry: { on: [@@infa] }')],
  ['schema-value', 'money without unit', `${step('')}budget: @@"5"`],
  ['schema-value', 'a name in capitals', `name: @@Sample\n${step('').slice(13)}`],
  ['schema-value', 'a bad variable name', step('env: { @@A-B: 1 }')],
  ['schema-value', 'a loop of 101', step('loop: { until: "true", max: @@101 }')],
  ['schema-value', 'eleven retries', step('retries: @@11')],
  ['schema-value', 'both steps and tasks', `${step('')}@@tasks: [{ id: two, run: echo }]\n`],
  ['schema-value', 'a script with inputs', step('@@with: { a: 1 }')],
  ['schema-key-unknown', 'an unknown key', `${step('')}@@stepz: []\n`],
  ['schema-key-unknown', 'an unknown step key', step('@@timeouts: 5m')],
  ['schema-key-missing', 'no name', '@@steps: [{ id: one, run: echo }]\n'],
  ['schema-key-missing', 'no steps', '@@name: sample\n'],
  ['schema-key-missing', 'no id', steps('  - @@run: echo')],
  ['duration-range', 'too short', step('timeout: @@1ms')],
  ['duration-range', 'too long', step('timeout: @@31d')],
  ['duration-range', 'made by a template', step('timeout: @@"${{ matrix.t }}m"\nmatrix: { t: [never] }')],
  ['cron-invalid', 'four fields', `on: { schedule: [{ cron: @@"0 3 * *" }] }\n${step('')}`],
  ['cron-invalid', 'minute 60', `on: { schedule: [{ cron: @@"60 3 * * 1-5" }] }\n${step('')}`],
  ['param-default', 'a default of another type', param('{ type: number, default: @@x }')],
  ['param-default', 'a default that is no choice', param('{ enum: [a, b], default: @@c }')],
  ['param-default', 'an enum without values', param('{ type: enum }').replace('  p:', '  @@p:')],
  ['param-unused', 'nobody reads it', `name: sample\nparams: { @@p: x }\n${step('').slice(13)}`, 'warning'],
  ['step-duplicate', 'an id twice', steps('  - { id: one, run: a }\n  - { id: @@one, run: b }')],
  ['step-unknown', 'in needs', step('needs: [@@two]')],
  ['step-unknown', 'in an expression', step('if: steps.@@two.outputs.x').replace('steps.@@two', '@@steps.two')],
  ['step-unknown', 'in context_from', steps('  - { id: one, uses: deploy, with: { context_from: [@@two] } }')],
  [
    'step-not-ancestor',
    'a later step of a sequence',
    steps('  - { id: one, run: "echo ${{ @@steps.two.outputs.x }}" }\n  - { id: two, run: b }'),
  ],
  ['step-not-ancestor', 'itself', step('if: @@steps.one.outputs.x')],
  ['step-cycle', 'two steps', steps('  - { id: @@one, run: a, needs: [two] }\n  - { id: two, run: b, needs: [one] }')],
  ['step-cycle', 'itself', steps('  - { id: @@one, run: a, needs: [one] }')],
  [
    'step-cycle',
    'through an expression',
    steps('  - { id: @@one, run: "echo ${{ steps.two.outputs.x }}" }\n  - { id: two, run: b, needs: [one] }'),
  ],
  [
    'gate-without-needs',
    'in a graph',
    steps('  - { id: one, run: a }\n  - { id: two, run: b, needs: one }\n  - { id: @@ok, uses: approval }'),
  ],
  ['release-trigger', 'nothing that names a tag', `@@${release('{}', 'push')}`],
  ['release-trigger', 'a tag and its publishing', `@@${release('{}', '[tag, release]')}`],
  [
    'release-trigger',
    'moments that come several times',
    `@@${release('{}', '{ release: { types: [published, edited] } }')}`,
  ],
  ['release-asset', 'an artifact that no step has', release('{ assets: [app, @@ap] }')],
  ['schema-value', 'an expression in a title', release('{ title: @@"v${{ github.ref }}" }')],
  ['schema-value', 'our own marks in notes', release('{ notes: @@"<!-- /maestro:release -->" }')],
  ['schema-key-unknown', 'another word of a release', release('{ @@titel: a }')],
  [
    'steps-limit',
    '10,001 steps',
    `name: sample\nsteps:\n${Array.from({ length: 10_001 }, (_, i) => `  - { id: s${i}, run: a }\n`).join('')}`.replace(
      '- {',
      '@@- {',
    ),
  ],
  [
    'steps-limit',
    'after expansion',
    `@@name: sample\nsteps:\n${Array.from({ length: 40 }, (_, i) => `  - { id: s${i}, run: a, for-each: [${Array.from({ length: 256 }, (__, n) => n).join(', ')}] }\n`).join('')}`,
  ],
  [
    'needs-limit',
    'matrices that need matrices',
    `@@name: sample\nsteps:\n${Array.from({ length: 10 }, (_, i) => `  - { id: s${i}, run: a, for-each: [${Array.from({ length: 250 }, (__, n) => n).join(', ')}] }\n`).join('')}`,
  ],
  ['receipt-limit', 'matrices of long values that need matrices', `@@${layers(LONG_VALUES)}`],
  [
    'receipt-limit',
    'thousands of steps that can be undone',
    `@@name: sample\nsteps:\n${Array.from({ length: 6500 }, (_, i) => `  - { id: s${i}, run: a, compensate: { run: b } }\n`).join('')}`,
  ],
  ['uses-and-run', 'both', steps('  - { id: one, uses: http, @@run: a }')],
  ['uses-and-run', 'neither', steps('  - { @@id: one }')],
  ['uses-unknown', 'a misspelt step', steps('  - { id: one, uses: @@htpt }')],
  ['uses-invalid', 'a bad version', steps('  - { id: one, uses: @@deploy@latest }')],
  ['uses-invalid', 'a gate as compensation', step('compensate: @@{ uses: approval }')],
  ['step-unavailable', 'a later one', steps('  - { id: one, uses: @@llm.plan }'), 'warning'],
  ['path-outside', 'a parent', steps('  - { id: one, uses: @@./../other }')],
  ['path-outside', 'an absolute path', steps('  - { id: one, uses: @@/etc }')],
  ['task-not-found', 'no manifest', steps('  - { id: one, uses: @@./tasks/none }')],
  ['task-invalid', 'a wrong manifest', steps('  - { id: one, uses: @@./tasks/broken }')],
  ['task-invalid', 'a file that is not there', steps('  - { id: one, uses: @@./tasks/hollow }')],
  ['task-invalid', 'a schema that is none', steps('  - { id: one, uses: @@./tasks/badschema }')],
  ['task-secret', 'a secret that is not given', steps('  - { id: one, uses: @@./tasks/good }'), 'warning'],
  [
    'package-not-installed',
    'a missing package',
    steps('  - { id: one, uses: "@@pkg:npm/none@1.0.0" }').replace('"@@', '@@"'),
    'warning',
  ],
  ['package-not-pinned', 'a range', steps('  - { id: one, uses: @@"pkg:npm/@acme/task@^1.2.0" }')],
  ['package-not-pinned', 'no version', steps('  - { id: one, uses: @@"pkg:npm/task" }')],
  ['package-version', 'another version', steps('  - { id: one, uses: @@"pkg:npm/@acme/task@1.3.0" }')],
  ['package-type', 'a purl of another world', steps('  - { id: one, uses: @@"pkg:pypi/scorer@1.0.0" }'), 'warning'],
  ['uses-invalid', 'a package name that climbs', steps('  - { id: one, uses: @@"pkg:npm/../../etc@1.0.0" }')],
  ['with-invalid', 'a missing input', steps('  - { id: one, uses: @@http }')],
  ['with-invalid', 'an unknown input', steps('  - { id: one, uses: http, with: { url: "https://a", @@metod: GET } }')],
  ['with-invalid', 'a wrong input', steps('  - { id: one, uses: http, with: { url: @@"ftp://a" } }')],
  ['condition-mixed', 'text beside the expression', step("if: @@${{ github.ref }} == 'main'")],
  ['expression-context', 'runner in a condition', step("if: @@runner.os == 'linux'")],
  ['expression-context', 'steps in a fan-out', step('for-each: "${{ @@steps.x.outputs.list }}"')],
  [
    'expression-context',
    'secrets in a gate',
    steps('  - { id: one, uses: approval, with: { a: "${{ @@secrets.X }}" } }'),
  ],
  ['expression-context', 'result in an input', step('env: { A: "${{ @@result.x }}" }')],
  ['expression-context-unknown', 'a misspelt context', step('env: { A: "${{ @@gihub.ref }}" }')],
  [
    'expression-dynamic-step',
    'a computed step',
    step('env: { A: "${{ @@steps[matrix.x].outputs }}" }\nmatrix: { x: [1] }'),
  ],
  ['expression-dynamic-step', 'all steps', step('env: { A: "${{ @@toJSON(steps) }}" }')],
  ['expression-function', 'a status outside of conditions', step('env: { A: "${{ @@failure() }}" }')],
  ['expression-function', 'hashFiles in a condition', step("if: @@hashFiles('x') != ''")],
  ['expression-function-unknown', 'a misspelt function', step("if: github.x && @@startWith('a', 'b')")],
  ['expression-function-unknown', 'a name of every object', step("if: @@constructor('a')")],
  [
    'expression-matrix-key',
    'an axis that is not there',
    step('env: { A: "${{ @@matrix.nod }}" }\nmatrix: { node: [1] }'),
  ],
  ['expression-param', 'a parameter that is not there', step('env: { A: "${{ @@params.x }}" }')],
  [
    'expression-step-property',
    "Actions' outcome",
    steps('  - { id: one, run: a }\n  - { id: two, run: b, if: "@@steps.one.outcome == \'x\'" }'),
  ],
  ['expression-syntax', 'a dangling operator', step('if: github.ref @@&&')],
  ['expression-syntax', 'nothing', step('env: { A: "${{ @@}}" }')],
  ['expression-unclosed', 'an open expression', step('env: { A: "x @@${{ github.ref" }')],
  ['template-failed', 'JSON that is none', step('for-each: @@"${{ fromJSON(\'{\') }}"')],
  [
    'template-failed',
    'an empty runner',
    step('runner: @@"${{ matrix.none || null }}"\nmatrix: { include: [{ none: "" }] }'),
  ],
  ['matrix-and-for-each', 'both', step('matrix: { a: [1] }\nfor-each: @@[1]')],
  ['matrix-duplicate', 'equal labels', step('for-each: @@[1, "1"]')],
  ['matrix-empty', 'an empty list', step('for-each: @@[]')],
  ['matrix-empty', 'all excluded', step('matrix: @@{ a: [1], exclude: [{ a: 1 }] }')],
  ['matrix-invalid', 'not a list', step('for-each: @@"${{ 5 }}"')],
  ['matrix-limit', '257 values', step(`for-each: @@[${Array.from({ length: 257 }, (_, i) => i).join(', ')}]`)],
  [
    'matrix-limit',
    'ten axes of ten',
    step(
      `matrix: @@{ ${'abcdefghij'
        .split('')
        .map((axis) => `${axis}: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]`)
        .join(', ')} }`,
    ),
  ],
  ['retry-on-policy', 'a denial', step('retry: { on: [@@policy] }')],
  [
    'script-injection',
    'a title',
    `name: sample\nsteps:\n  - id: one\n    run: echo "\${{ @@github.event.issue.title }}"\n`,
    'warning',
  ],
  [
    'script-injection',
    'a branch name',
    `name: sample\nsteps:\n  - id: one\n    run: |\n      set -e\n      git checkout \${{ @@github.head_ref }}\n`,
    'warning',
  ],
  ['secret-in-condition', 'a secret', step("if: @@secrets.TOKEN != ''")],
  ['secret-not-declared', 'a secret that is not named', step('env: { A: "${{ @@secrets.TOKEN }}" }')],
];

describe('a finding', () => {
  test.each<Case>([...CASES])('%s (%s) points at its place', (code, _title, marked, severity) => {
    const at = marked.indexOf('@@');
    const text = marked.replace('@@', '');
    const before = marked.slice(0, at).split('\n');
    const found = lint(text);
    const first = found.find((finding) => finding.code === code);
    expect(first ?? found).toMatchObject({
      code,
      file: 'x.yaml',
      line: before.length,
      column: (before.at(-1) ?? '').length + 1,
      severity: severity ?? 'error',
    });
  });

  test('exists in the table for every code that needs no parameters', () => {
    const elsewhere = ['file-too-large', 'findings-limit', 'param-missing', 'param-type', 'param-unknown'];
    const tested = new Set<string>([...CASES.map(([code]) => code), ...elsewhere]);
    expect(LINT_CODES.filter((code) => !tested.has(code))).toEqual([]);
  });

  test('comes with all others at once, by position', () => {
    const found = lint(
      `name: X\nkinds: ci\nsteps:\n  - { id: a, uses: htpt, needs: [b] }\n  - { id: a, run: x, if: "foo(" }\n`,
    );
    expect(found.map(({ line, code }) => `${line} ${code}`)).toEqual([
      '1 schema-value',
      '2 schema-key-unknown',
      '4 uses-unknown',
      '4 step-unknown',
      '5 step-duplicate',
      '5 expression-syntax',
    ]);
  });

  test('names the members of a cycle in the order in which they wait', () => {
    const text = steps(
      '  - { id: a, run: x, needs: [c] }\n  - { id: b, run: x, needs: [a] }\n  - { id: c, run: x, needs: [b] }',
    );
    expect(lint(text)[0]?.message).toContain('a -> b -> c -> a');
  });

  test.each([
    ['kinds', 'kind'],
    ['steps', undefined],
    ['prams', 'params'],
  ])('suggests a key for %s', (written, meant) => {
    const [finding] = lint(`${step('')}${written}: 1\n`).filter(({ code }) => code === 'schema-key-unknown');
    expect(finding?.message.match(/did you mean "(\w+)"/)?.[1]).toBe(meant);
  });

  test('says how to quote a bare expression', () => {
    const [finding] = lint(step('env: { A: ${{ params.env }} }'));
    expect(finding?.message).toContain('"${{ params.env }}"');
  });

  test.each([
    ['param-missing', '{ type: string, required: true }', {}],
    ['param-type', '{ type: number }', { p: 'many' }],
    ['param-type', '{ enum: [a, b] }', { p: 'c' }],
    ['param-unknown', 'x', { q: 1 }],
  ])('%s is found when parameters are given', (code, declared, params) => {
    const { plan, findings } = compilePipeline({
      path: 'x.yaml',
      text: param(declared),
      params,
      catalog: CATALOG,
      files: FILES,
    });
    expect(plan).toBeUndefined();
    expect(findings.map((finding) => finding.code)).toContain(code);
  });

  test('says what a receipt holds, what came, and what to do, where a plan is too large for it', () => {
    const text = layers(LONG_VALUES);
    const answer = compilePipeline({ path: 'x.yaml', text, params: {}, catalog: CATALOG, files: FILES });
    expect(answer.plan).toBeUndefined();
    expect(lint(text).map(({ code }) => code)).toEqual(['receipt-limit']);
    expect(lint(text)[0]?.message).toMatch(
      /at most 15500000 bytes .* got 3\d{7}, of which \d+ are ids .*: join a matrix/,
    );
  });

  test('is none of a plan that has room in a receipt, however many steps or edges it has', () => {
    const many = Array.from({ length: 10_000 }, (_, i) => `  - { id: step-${i}, run: make ${i} }`).join('\n');
    for (const text of [steps(many), layers(LONG_VALUES.slice(0, 128)), layers(LONG_VALUES, ['a', 'b', 'c', 'd'])])
      expect(lint(text)).toEqual([]);
  });

  test('is not repeated without end', () => {
    const text = steps(Array.from({ length: 1500 }, (_, i) => `  - { id: s${i}, uses: nothing${i} }`).join('\n'));
    const found = lint(text);
    expect(found).toHaveLength(1001);
    expect(found.at(-1)?.code).toBe('findings-limit');
  });
});

function lint(text: string): readonly Finding[] {
  return lintPipeline({ path: 'x.yaml', text, catalog: CATALOG, files: FILES });
}
