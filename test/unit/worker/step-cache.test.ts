import { existsSync, readFileSync, readlinkSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestBytes } from '../../../src/base/digest.ts';
import { MaestroError } from '../../../src/base/errors.ts';
import type { PlanStep } from '../../../src/pipeline/plan.ts';
import type { Lease, StepContexts } from '../../../src/protocol/lease.ts';
import { leaseOf } from './leases.ts';
import { WorkRoom } from './work-room.ts';

let room: WorkRoom;
beforeEach(() => {
  room = new WorkRoom();
});
afterEach(() => room.remove());

const script = (
  run: string,
  step: Partial<PlanStep> = {},
  contexts: Partial<StepContexts> = {},
  lease: Partial<Lease> = {},
): Lease => leaseOf(lease, { with: { run, shell: 'bash' }, ...step }, contexts);

const read = (path: string): string => readFileSync(join(room.repositoryRoot, path), 'utf8');

describe('the cache', () => {
  const cached = (run: string, key = 'k1', step: Partial<PlanStep> = {}, contexts: Partial<StepContexts> = {}): Lease =>
    script(run, { cache: { key, ttlMs: 1000, paths: ['build/**'] }, ...step }, contexts);
  const build =
    'echo run >> ../runs; mkdir -p build/bin; echo -n data > build/data; echo "#!/bin/sh" > build/bin/tool; chmod +x build/bin/tool; ln -s bin/tool build/link; echo made=yes >> "$GITHUB_OUTPUT"';

  it('answers the second run with outputs, artifacts and files, without running it', async () => {
    const lease = cached(build, 'k1', { artifacts: [{ name: 'd', path: 'build/data', isRequired: true }] });
    const first = await room.run(lease);
    expect(first).toMatchObject({
      kind: 'succeeded',
      outputs: { made: 'yes' },
      cacheKey: expect.stringMatching(/^sha256:/),
    });
    expect(first.isCacheHit).toBeUndefined();
    rmSync(join(room.repositoryRoot, 'build'), { recursive: true });
    const second = await room.run(lease);
    expect(second).toMatchObject({
      kind: 'succeeded',
      isCacheHit: true,
      cacheKey: first.cacheKey,
      outputs: first.outputs,
      artifacts: first.artifacts,
    });
    expect(read('build/data')).toBe('data');
    expect(readlinkSync(join(room.repositoryRoot, 'build/link'))).toBe('bin/tool');
    expect(statSync(join(room.repositoryRoot, 'build/bin/tool')).mode & 0o111).toBe(0o111);
    expect(read('../runs')).toBe('run\n');
  });

  it.each([
    ['key', () => cached(build, 'k2')],
    ['script', () => cached(`${build} # edited`)],
    ['pipeline', () => cached(build, 'k1', {}, { run: { pipeline: 'other' } })],
    ['matrix', () => cached(build, 'k1', { matrix: { node: 24 } })],
    ['code', () => cached(build, 'k1', { code: { uri: 'maestro:shell', digest: digestBytes('new') } })],
    ['step', () => cached(build, 'k1', { base: 'other' })],
    ['environment', () => cached(build, 'k1', { env: { MODE: 'fast' } })],
    ['environment of the plan', () => cached(build, 'k1', {}, { env: { MODE: 'fast' } })],
    ['repository', () => cached(build, 'k1', {}, { github: { repository: 'o/other' } })],
    ['source', () => cached(build, 'k1', {}, { run: { pipeline: 'demo', source: 'file:///other' } })],
    ['trust in the source', () => cached(build, 'k1', {}, { run: { pipeline: 'demo', isFork: true } })],
    ['class of the runner', () => cached(build, 'k1', { runner: 'gpu' })],
    ['set of secrets', () => cached(build, 'k1', { secrets: ['TOKEN'] })],
    ['set of outputs', () => cached(build, 'k1', { outputs: { made: '${{ result.made }}' } })],
    [
      'set of artifacts',
      () => cached(build, 'k1', { artifacts: [{ name: 'd', path: 'build/data', isRequired: true }] }),
    ],
    ['set of cached files', () => cached(build, 'k1', { cache: { key: 'k1', ttlMs: 1000, paths: ['build/bin/**'] } })],
  ])('misses when the %s differs', async (_, other) => {
    await room.run(cached(build));
    rmSync(join(room.repositoryRoot, 'build'), { recursive: true });
    expect((await room.run(other())).isCacheHit).toBeUndefined();
  });

  const reading: readonly [string, Partial<PlanStep>, Partial<StepContexts>][] = [
    ['its script', { with: { run: 'echo made=${{ inputs.who }} >> "$GITHUB_OUTPUT"', shell: 'bash' } }, {}],
    ['its environment', { env: { WHO: '${{ inputs.who }}' } }, {}],
    ['the environment of the plan', {}, { env: { WHO: '${{ inputs.who }}' } }],
    ['its outputs', { outputs: { made: 'by ${{ inputs.who }}' } }, {}],
  ];
  it.each(reading)('gives no result of other parameters where %s read them', async (_, step, contexts) => {
    const run = 'echo "made=$WHO" >> "$GITHUB_OUTPUT"';
    const outcomeFor = (who: string) => room.run(cached(run, 'k1', step, { ...contexts, params: { who } }));
    const first = await outcomeFor('ada');
    const second = await outcomeFor('bob');
    expect(second.isCacheHit).toBeUndefined();
    expect([first.outputs, second.outputs].map((outputs) => JSON.stringify(outputs))).toEqual([
      expect.stringContaining('ada'),
      expect.stringContaining('bob'),
    ]);
    expect(await outcomeFor('ada')).toMatchObject({ isCacheHit: true, outputs: first.outputs });
  });

  it('hits where nothing but the attempt, unread parameters, and the value of a secret differ', async () => {
    const step = { env: { DIR: '${{ runner.temp }}/x', T: '${{ secrets.TOKEN }}' }, secrets: ['TOKEN'] };
    room.client.secretValues.TOKEN = 's3cret-value-1';
    await room.run(cached(build, 'k1', step, { params: { n: 1 } }));
    room.client.secretValues.TOKEN = 's3cret-value-2';
    const lease = cached(build, 'k1', step, { params: { n: 2 } });
    expect((await room.run({ ...lease, attempt: 2, fence: 2, runId: 'run-2' })).isCacheHit).toBe(true);
  });

  it('keeps nothing of a step that failed', async () => {
    await room.run(cached('exit 1'));
    expect(room.client.cache.size).toBe(0);
  });

  it('runs the step where the entry cannot be restored', async () => {
    await room.run(cached(build));
    for (const digest of room.client.blobs.keys()) room.client.blobs.set(digest, Buffer.from('corrupt'));
    rmSync(join(room.repositoryRoot, 'build'), { recursive: true });
    const outcome = await room.run(cached(build));
    expect(outcome).toMatchObject({ kind: 'succeeded', outputs: { made: 'yes' } });
    expect(outcome.isCacheHit).toBeUndefined();
    expect(read('build/data')).toBe('data');
  });

  it.each([
    ['above the checkout', (): string => '../escaped'],
    ['through a link', (): string => 'out/escaped'],
  ])('writes no file %s', async (_, path) => {
    await room.run(cached('true'));
    const [[key, entry] = []] = [...room.client.cache];
    const bytes = Buffer.from('evil');
    room.client.blobs.set(digestBytes(bytes), bytes);
    symlinkSync(room.temporaryRoot, join(room.repositoryRoot, 'out'));
    room.client.cache.set(key!, {
      ...entry!,
      files: [{ name: 'file', path: path(), digest: digestBytes(bytes), sizeBytes: 4 }],
    });
    const outcome = await room.run(cached('true'));
    expect(outcome.isCacheHit).toBeUndefined();
    expect(existsSync(join(room.repositoryRoot, '../escaped')) || existsSync(join(room.temporaryRoot, 'escaped'))).toBe(
      false,
    );
  });

  it('does not fail a step when the conductor has no room for the entry', async () => {
    room.client.beforeCall = (name) => {
      if (name === 'cachePut') throw new MaestroError('DISK_FULL', 'no space');
    };
    expect(await room.run(cached(build))).toMatchObject({ kind: 'succeeded', annotations: [{ level: 'warning' }] });
  });
});
