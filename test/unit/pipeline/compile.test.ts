import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../../src/base/json.ts';
import type { StepCatalog } from '../../../src/pipeline/catalog.ts';
import { compilePipeline, lintPipeline, planDigest } from '../../../src/pipeline/compile.ts';
import type { Plan, PlanStep } from '../../../src/pipeline/plan.ts';
import { PIPELINE_SCHEMA } from '../../../src/pipeline/schema.ts';
import type { SourceTree } from '../../../src/pipeline/task-manifest.ts';
import { CATALOG, NO_FILES, treeOf } from './sample-catalog.ts';

interface Extra {
  readonly params?: JsonObject;
  readonly catalog?: StepCatalog;
  readonly files?: SourceTree;
}

function compile(text: string, { params = {}, catalog = CATALOG, files = NO_FILES }: Extra = {}) {
  return compilePipeline({ path: '.maestro/x.yaml', text, params, catalog, files });
}

function planOf(text: string, extra: Extra = {}): Plan {
  const { plan, findings } = compile(text, extra);
  if (!plan) throw new Error(JSON.stringify(findings, null, 1));
  return plan;
}

const only = (text: string, extra: Extra = {}): PlanStep => {
  const [step] = planOf(`name: sample\nsteps:\n  - ${text.replaceAll('\n', '\n    ')}\n`, extra).steps;
  if (!step) throw new Error('no step');
  return step;
};

const fixture = (name: string) => readFileSync(resolve(import.meta.dirname, 'fixtures', name), 'utf8');
const idsOf = (plan: Plan) => plan.steps.map(({ id }) => id);
const needsOf = (plan: Plan) => Object.fromEntries(plan.steps.map(({ id, needs }) => [id, needs]));

describe('the manifests of the mission compile', () => {
  test('the pipeline template, with its flow mapping quoted', () => {
    const { plan, pipeline, findings } = compile(fixture('intelgraph-build.yaml'), { params: { env: 'prod' } });
    expect(new Set(findings.map(({ code }) => code))).toEqual(new Set(['step-unavailable']));
    expect(pipeline?.triggers).toEqual({ push: {}, pullRequest: {} });
    expect(plan?.params).toEqual({ env: 'prod' });
    expect(plan && idsOf(plan)).toEqual(['plan', 'scrape-docs', 'gen', 'build', 'scan', 'sign', 'publish', 'deploy']);
  });

  test('the task manifest', () => {
    const { plan } = compile(fixture('task-manifest.json'));
    expect(plan?.steps.map(({ id, uses, retry, needs }) => [id, uses, retry.max, needs])).toEqual([
      ['fetch', 'pkg:npm/@companyos/fetch@2.0.1', 3, []],
      ['score', 'pkg:pypi/scorer@0.4.0', 0, ['fetch']],
      ['report', 'pkg:npm/report@1.0.0', 2, ['score']],
    ]);
  });

  test('the whole language in one file', () => {
    const { plan, findings } = compile(fixture('golden.yaml'), { params: { env: 'prod' } });
    expect(findings.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(plan?.budget).toEqual({ microUsd: 5_000_000, tokens: 200_000, minutes: 60, soft: 0.8 });
    const test24 = plan?.steps.find(({ id }) => id === 'test[24,linux]');
    expect(test24).toMatchObject({
      base: 'test',
      matrix: { node: 24, os: 'linux' },
      env: { CI: 'true' },
      timeoutMs: 1_200_000,
      cache: { key: "${{ hashFiles('package-lock.json') }}", ttlMs: 604_800_000, paths: [] },
      retry: {
        max: 3,
        on: ['infra', 'timeout'],
        backoff: { initialMs: 5000, factor: 2, maxMs: 120_000, jitter: 'full' },
      },
      outputs: { coverage: '${{ result.coverage }}' },
      artifacts: [{ name: 'report', path: 'coverage/**', isRequired: true }],
    });
    expect(plan?.steps.find(({ id }) => id === 'to-prod')).toMatchObject({
      kind: 'gate',
      needs: ['test[22,linux]', 'test[24,linux]'],
    });
    expect(plan?.steps.find(({ id }) => id === 'deploy')?.compensate).toMatchObject({
      uses: 'cd.rollback',
      timeoutMs: 1_800_000,
    });
  });
});

describe('a plan', () => {
  test('has the same digest for the same source, whatever the order of parameters, catalog and file reads', () => {
    const text =
      'name: sample\nparams: { a: x, b: y }\nsteps:\n  - { id: one, run: "echo ${{ params.a }} ${{ params.b }}" }\n';
    const first = compile(text, { params: { a: '1', b: '2' } });
    const second = compile(text, { params: { b: '2', a: '1' }, catalog: new Map([...CATALOG].reverse()) });
    expect(first.plan && planDigest(first.plan)).toBe(first.planDigest);
    expect(second.planDigest).toBe(first.planDigest);
  });

  test.each([
    ['the source', 'name: sample\nsteps:\n  - { id: one, run: b }\n', {}],
    ['a comment', 'name: sample\nsteps:\n  - { id: one, run: a }\n# said\n', {}],
  ])('has another digest when %s changes', (_title, text, params) => {
    const base = compile('name: sample\nsteps:\n  - { id: one, run: a }\n');
    expect(compile(text, { params }).planDigest).not.toBe(base.planDigest);
  });

  test('is not made where there is an error', () => {
    const { plan, planDigest, pipeline } = compile('name: sample\nsteps:\n  - { id: one, uses: nothing }\n');
    expect({ plan, planDigest }).toEqual({});
    expect(pipeline?.steps).toHaveLength(1);
  });

  test('follows the list where no step has needs', () => {
    const plan = planOf(
      'name: sample\nsteps:\n  - { id: a, run: x }\n  - { id: b, run: x }\n  - { id: ok, uses: approval }\n',
    );
    expect(needsOf(plan)).toEqual({ a: [], b: ['a'], ok: ['b'] });
  });

  test('follows needs, and what expressions and context_from read, where any step has needs', () => {
    const plan = planOf(`name: sample
steps:
  - { id: last, run: "echo \${{ steps.mid.outputs.x }}" }
  - { id: mid, uses: deploy, with: { context_from: first } }
  - { id: first, run: x }
  - { id: free, run: x, needs: first }
`);
    expect(needsOf(plan)).toEqual({ first: [], mid: ['first'], last: ['mid'], free: ['first'] });
    expect(idsOf(plan)).toEqual(['first', 'mid', 'last', 'free']);
  });

  test('joins every combination of a matrix that is needed', () => {
    const plan = planOf(
      'name: sample\nsteps:\n  - { id: a, run: x, for-each: [p, q] }\n  - { id: b, run: x, matrix: { n: [1, 2] } }\n',
    );
    expect(needsOf(plan)).toEqual({ 'a[p]': [], 'a[q]': [], 'b[1]': ['a[p]', 'a[q]'], 'b[2]': ['a[p]', 'a[q]'] });
  });

  test('keeps conditions explicit: one that asks no status also means success()', () => {
    expect(only('id: one\nrun: x\nif: github.ref').if).toBe('success() && (github.ref)');
    expect(only('id: one\nrun: x\nif: "${{ always() || github.ref }}"').if).toBe('always() || github.ref');
    expect(only('id: one\nrun: x\nif: false').if).toBe('success() && (false)');
    expect(only('id: one\nrun: x').if).toBeUndefined();
  });

  test('has sensible defaults', () => {
    expect(only('id: one\nrun: x')).toEqual({
      id: 'one',
      base: 'one',
      kind: 'work',
      uses: 'shell',
      code: { uri: 'maestro:shell' },
      needs: [],
      with: { run: 'x', shell: 'bash' },
      env: {},
      secrets: [],
      runner: 'linux',
      timeoutMs: 3_600_000,
      retry: {
        max: 2,
        on: ['infra', 'rate-limit'],
        backoff: { initialMs: 1000, factor: 2, maxMs: 120_000, jitter: 'full' },
      },
      artifacts: [],
      outputs: {},
      continueOnError: false,
      tags: [],
      egress: [],
      isIdempotent: true,
    });
  });

  test('evaluates what it must know itself over params and matrix, and leaves the rest', () => {
    const plan = planOf(
      `name: sample
params: { minutes: 5, os: linux }
steps:
  - id: one
    run: echo \${{ matrix.dir }}
    for-each: \${{ fromJSON('["a","b"]') }}
    env: { D: "\${{ matrix.item }}" }
    runner: \${{ params.os }}-\${{ matrix.item }}
    working-directory: packages/\${{ matrix.item }}
    timeout: \${{ params.minutes }}m
`.replace('matrix.dir', 'matrix.item'),
    );
    expect(
      plan.steps.map(({ id, runner, workingDirectory, timeoutMs, env }) => ({
        id,
        runner,
        workingDirectory,
        timeoutMs,
        env,
      })),
    ).toEqual(
      ['a', 'b'].map((item) => ({
        id: `one[${item}]`,
        runner: `linux-${item}`,
        workingDirectory: `packages/${item}`,
        timeoutMs: 300_000,
        env: { D: '${{ matrix.item }}' },
      })),
    );
  });

  test('pins a task of the repository by what its manifest lists', () => {
    const manifest = {
      name: 't',
      main: ['node', 'main.js'],
      files: ['main.js'],
      isIdempotent: true,
      capabilities: { network: ['api.example.com'], runner: 'gpu' },
    };
    const files = { 'tasks/t/maestro.task.json': manifest, 'tasks/t/main.js': 'one', 'tasks/t/readme': 'x' };
    const base = only('id: a\nuses: ./tasks/t', { files: treeOf(files) });
    expect(base).toMatchObject({
      code: { uri: './tasks/t' },
      egress: ['api.example.com'],
      runner: 'gpu',
      isIdempotent: true,
    });
    const digestWith = (more: Record<string, string>) =>
      only('id: a\nuses: ./tasks/../tasks/t', { files: treeOf({ ...files, ...more }) }).code.digest;
    expect(digestWith({ 'tasks/t/readme': 'y' })).toBe(base.code.digest);
    expect(digestWith({ 'tasks/t/main.js': 'two' })).not.toBe(base.code.digest);
  });

  test('pins an installed package of exactly the version that is asked for', () => {
    const files = treeOf({
      'node_modules/@acme/task/maestro.task.json': { name: 'task', main: ['./run'] },
      'node_modules/@acme/task/package.json': { version: '1.2.0' },
    });
    expect(only('id: a\nuses: pkg:npm/@acme/task@1.2.0', { files }).code.digest).toMatch(/^sha256:/);
    expect(only('id: a\nuses: pkg:npm/%40acme/task@1.2.0', { files }).isIdempotent).toBe(false);
  });

  test('checks inputs only where no template makes them', () => {
    expect(only('id: a\nuses: http\nwith: { url: "${{ github.url }}", retries: "${{ github.n }}" }').with).toEqual({
      url: '${{ github.url }}',
      retries: '${{ github.n }}',
    });
  });
});

describe('parameters', () => {
  const text = (declared: string) =>
    `name: sample\nparams:\n  p: ${declared}\nsteps:\n  - { id: one, run: "echo \${{ params.p }}" }\n`;

  test.each([
    ['{ type: number }', '5', 5],
    ['{ type: boolean, default: true }', 'false', false],
    ['{ type: array }', '[1,2]', [1, 2]],
    ['{ type: object }', '{"a":1}', { a: 1 }],
    ['{ enum: [22, 24] }', '24', 24],
    ['{ type: string }', '5', '5'],
    ['eu-west-1', 'us', 'us'],
    ['{ type: number, default: 3 }', undefined, 3],
    ['{ type: string }', undefined, null],
    ['eu-west-1', undefined, 'eu-west-1'],
  ])('declared as %s and given as %j are %j', (declared, given, expected) => {
    expect(planOf(text(declared), { params: given === undefined ? {} : { p: given } }).params).toEqual({ p: expected });
  });

  test('that are required do not stop linting', () => {
    expect(
      lintPipeline({ path: 'x', text: text('{ enum: [a, b], required: true }'), catalog: CATALOG, files: NO_FILES }),
    ).toEqual([]);
  });
});

describe('a matrix', () => {
  const expand = (matrix: string) => planOf(`name: sample\nsteps:\n  - { id: t, run: x, matrix: ${matrix} }\n`).steps;

  test('is the product of its axes, the last turning fastest', () => {
    expect(expand('{ a: [1, 2], b: [x, y] }').map(({ id }) => id)).toEqual(['t[1,x]', 't[1,y]', 't[2,x]', 't[2,y]']);
  });

  test('follows the example of the documentation of Actions for include', () => {
    const steps = expand(
      `{ fruit: [apple, pear], animal: [cat, dog], include: [{ color: green }, { color: pink, animal: cat }, { fruit: apple, shape: circle }, { fruit: banana }, { fruit: banana, animal: cat }] }`,
    );
    expect(steps.map(({ matrix }) => matrix)).toEqual([
      { fruit: 'apple', animal: 'cat', color: 'pink', shape: 'circle' },
      { fruit: 'apple', animal: 'dog', color: 'green', shape: 'circle' },
      { fruit: 'pear', animal: 'cat', color: 'pink' },
      { fruit: 'pear', animal: 'dog', color: 'green' },
      { fruit: 'banana' },
      { fruit: 'banana', animal: 'cat' },
    ]);
  });

  test('leaves out what exclude matches in part', () => {
    expect(expand('{ a: [1, 2], b: [x, y], exclude: [{ a: 1, b: x }, { b: y }] }').map(({ id }) => id)).toEqual([
      't[2,x]',
    ]);
  });

  test('names values that are not short texts by their position', () => {
    expect(expand('{ a: [{ x: 1 }, "two words", ""] }').map(({ id }) => id)).toEqual(['t[#0]', 't[#1]', 't[#2]']);
  });

  test('has as many steps as its axes multiply to', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(sizes, (lengths) => {
        const axes = lengths.map((length, axis) => `a${axis}: [${Array.from({ length }, (_, i) => i).join(', ')}]`);
        expect(expand(`{ ${axes.join(', ')} }`)).toHaveLength(lengths.reduce((product, length) => product * length, 1));
      }),
      { numRuns: 30 },
    );
  });
});

describe('the order of a graph', () => {
  /** Steps that need only steps with a smaller number, written in any order. */
  const graphs = fc.integer({ min: 2, max: 12 }).chain((size) =>
    fc.tuple(
      fc.array(fc.array(fc.nat(), { maxLength: 3 }), { minLength: size, maxLength: size }),
      fc.shuffledSubarray(
        Array.from({ length: size }, (_, i) => i),
        { minLength: size },
      ),
    ),
  );

  test('puts every step behind what it needs, and is the same each time', () => {
    fc.assert(
      fc.property(graphs, ([needs, order]) => {
        const lines = order.map((i) => {
          const ids = i === 0 ? [] : [...new Set((needs[i] ?? []).map((n) => `s${n % i}`))];
          return `  - { id: s${i}, run: x, needs: [${ids.join(', ')}] }\n`;
        });
        const text = `name: sample\nsteps:\n${lines.join('')}`;
        const { steps } = planOf(text);
        steps.forEach((step, index) => {
          const before = new Set(steps.slice(0, index).map(({ id }) => id));
          expect(step.needs.filter((id) => !before.has(id))).toEqual([]);
        });
        expect(steps).toHaveLength(needs.length);
        expect(compile(text).planDigest).toBe(compile(text).planDigest);
      }),
      { numRuns: 100 },
    );
  });

  test('is the written one where that is already right', () => {
    const text = `name: sample\nsteps:\n${[3, 1, 2].map((i) => `  - { id: s${i}, run: x${i === 2 ? ', needs: [s1]' : ''} }\n`).join('')}`;
    expect(idsOf(planOf(text))).toEqual(['s3', 's1', 's2']);
  });
});

describe('triggers', () => {
  test('are read into one shape', () => {
    const { pipeline } = compile(`name: sample
on:
  push: { branches: [main], paths-ignore: ["docs/**"] }
  pr: { types: opened }
  schedule: [{ cron: "*/5 0-6 1,15 jan-mar 7" }]
  command: { name: deploy }
  dispatch:
steps: [{ id: one, run: x }]
`);
    expect(pipeline?.triggers).toEqual({
      push: { branches: ['main'], pathsIgnore: ['docs/**'] },
      pullRequest: { types: ['opened'] },
      schedule: [{ cron: '*/5 0-6 1,15 jan-mar 7', timezone: 'UTC' }],
      command: { name: 'deploy', permission: 'write' },
      dispatch: {},
    });
  });
});

describe('ten thousand steps', () => {
  test('compile, and in seconds', () => {
    const lines = Array.from(
      { length: 10_000 },
      (_, i) => `  - id: s${i}\n    run: echo \${{ params.p }} ${i}\n${i === 0 ? '' : `    needs: [s${i - 1}]\n`}`,
    );
    const started = performance.now();
    const plan = planOf(`name: large\nparams: { p: x }\nsteps:\n${lines.reverse().join('')}`);
    expect(plan.steps).toHaveLength(10_000);
    expect(plan.steps[0]?.id).toBe('s0');
    // Ten times what it takes: catches a quadratic step, not a slow machine.
    expect(performance.now() - started).toBeLessThan(8000);
  });
});

test('the schema names itself', () => {
  expect(PIPELINE_SCHEMA.$id).toBe('https://maestro-conductor.dev/schema/pipeline/v1');
});
