import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Digest } from '../../../src/base/digest.ts';
import { readTask } from '../../../src/pipeline/task-manifest.ts';
import type { Lease } from '../../../src/protocol/lease.ts';
import { EVENTS_BYTES_MAX } from '../../../src/steps/task/events.ts';
import { describeWith } from '../../real-parts.ts';
import { leaseOf } from '../worker/leases.ts';
import { WorkRoom } from '../worker/work-room.ts';

const TEMPLATES = resolve(import.meta.dirname, '../../../templates/tasks');

let room: WorkRoom;
beforeEach(() => {
  room = new WorkRoom();
});
afterEach(() => room.remove());

function digestOf(folder: string): Digest {
  const tree = {
    read: (path: string) => (path.startsWith(folder) ? tryRead(join(room.repositoryRoot, path)) : undefined),
  };
  return readTask(folder, tree).digest;
}

function tryRead(path: string): Uint8Array | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

function addTask(
  folder: string,
  main: readonly string[],
  files: Record<string, string> = {},
  more: Record<string, unknown> = {},
): void {
  const path = join(room.repositoryRoot, folder);
  mkdirSync(path, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text, { mode: 0o755 });
  writeFileSync(
    join(path, 'maestro.task.json'),
    JSON.stringify({ name: 'task', version: '1.0.0', main, files: Object.keys(files), ...more }),
  );
}

function taskLease(
  folder: string,
  input: Lease['step']['with'],
  changes: Partial<Lease> = {},
  uses = `./${folder}`,
): Lease {
  return leaseOf(changes, { uses, code: { uri: uses, digest: digestOf(folder) }, with: input });
}

function shapesOfATask(name: string): void {
  beforeEach(() => cpSync(join(TEMPLATES, name), join(room.repositoryRoot, name), { recursive: true }));

  it('greets: input in, output, log and events out', async () => {
    const outcome = await room.run(taskLease(name, { name: 'world' }));
    expect(outcome).toMatchObject({ kind: 'succeeded', exitCode: 0, outputs: { greeting: 'Hello, world!' } });
    expect(outcome.annotations).toEqual([{ level: 'notice', message: 'greeted world' }]);
    expect(room.log).toBe('greeting world, attempt 1\n');
  });

  it('asks to be tried again later with exit status 75, and succeeds then', async () => {
    expect(await room.run(taskLease(name, { name: 'nobody yet' }))).toMatchObject({
      kind: 'retry-later',
      exitCode: 75,
    });
    expect(await room.run(taskLease(name, { name: 'nobody yet' }, { attempt: 2 }))).toMatchObject({
      kind: 'succeeded',
    });
  });

  it('fails with exit status 1 where its own validation refuses the input', async () => {
    expect(await room.run(taskLease(name, { name: ' ' }))).toMatchObject({
      kind: 'failed',
      errorClass: 'step',
      exitCode: 1,
    });
    expect(room.log).toContain('expected a name');
  });

  it('is not started with an input that its manifest does not allow', async () => {
    expect(await room.run(taskLease(name, { nam: 'x' }))).toMatchObject({ kind: 'failed', errorCode: 'INPUT_INVALID' });
    expect(room.log).toBe('');
  });

  it('does not run when its code changed after the plan was made', async () => {
    const lease = taskLease(name, { name: 'world' });
    const [main = ''] = JSON.parse(readFileSync(join(room.repositoryRoot, name, 'maestro.task.json'), 'utf8')).files;
    writeFileSync(join(room.repositoryRoot, name, main), 'changed');
    expect(await room.run(lease)).toMatchObject({ kind: 'failed', errorClass: 'step', errorCode: 'TASK_INVALID' });
  });
}

describe('the Node task of the templates', () => {
  shapesOfATask('hello-node');
});
describeWith('python', 'the Python task of the templates', () => {
  shapesOfATask('hello-python');
});

describe('tasks', () => {
  it('are told the run, the attempt, the idempotency key and the contexts', async () => {
    addTask('probe', ['./run.sh'], { 'run.sh': '#!/bin/sh\ncat "$MAESTRO_CONTEXT"\n' });
    await room.run(taskLease('probe', {}, { attempt: 3, iteration: 2 }));
    expect(JSON.parse(room.log)).toMatchObject({
      runId: 'run-1',
      step: 'step',
      attempt: 3,
      iteration: 2,
      idempotencyKey: 'run-1/step/1',
      repositoryRoot: room.repositoryRoot,
      contexts: { run: { pipeline: 'demo' } },
    });
  });

  it('run from an installed package', async () => {
    addTask('node_modules/@scope/task', ['./run.sh'], {
      'run.sh': '#!/bin/sh\necho \'{"x":1}\' > "$MAESTRO_OUTPUT"\n',
    });
    expect(await room.run(taskLease('node_modules/@scope/task', {}, {}, 'pkg:npm/@scope/task@1.0.0'))).toMatchObject({
      kind: 'succeeded',
      outputs: { x: 1 },
    });
  });

  it('do not run when the plan does not pin their code', async () => {
    addTask('probe', ['true']);
    expect(await room.run(leaseOf({}, { uses: './probe', code: { uri: './probe' }, with: {} }))).toMatchObject({
      kind: 'failed',
      errorCode: 'TASK_NOT_FOUND',
    });
  });

  it('fail where their outputs do not match the manifest', async () => {
    addTask(
      'probe',
      ['./run.sh'],
      { 'run.sh': '#!/bin/sh\necho \'{"x":"one"}\' > "$MAESTRO_OUTPUT"\n' },
      { output: { type: 'object', properties: { x: { type: 'integer' } } } },
    );
    expect(await room.run(taskLease('probe', {}))).toMatchObject({ kind: 'failed', errorCode: 'OUTPUT_INVALID' });
  });

  it('log events that are not annotations, also broken ones', async () => {
    addTask('probe', ['./run.sh'], {
      'run.sh': '#!/bin/sh\nprintf \'{"type":"progress","percent":5}\\n{broken\\n\' > "$MAESTRO_EVENTS"\n',
    });
    expect(await room.run(taskLease('probe', {}))).toMatchObject({ kind: 'succeeded', annotations: [] });
    expect(room.log).toBe('[event] {"type":"progress","percent":5}\n[event] {broken\n');
  });

  it('fail with more events than can be read', async () => {
    addTask('probe', ['./run.sh'], {
      'run.sh': `#!/bin/sh\nhead -c ${EVENTS_BYTES_MAX + 1} /dev/zero > "$MAESTRO_EVENTS"\n`,
    });
    expect(await room.run(taskLease('probe', {}))).toMatchObject({ kind: 'failed', errorCode: 'OUTPUT_TOO_LARGE' });
  });
});
