import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseOutputs } from '../../../src/steps/output-file.ts';
import { part } from '../../real-parts.ts';
import { leaseOf } from '../worker/leases.ts';
import { WorkRoom } from '../worker/work-room.ts';

let room: WorkRoom;
beforeEach(() => {
  room = new WorkRoom();
});
afterEach(() => room.remove());

const run = (script: string, shell = 'bash') => room.run(leaseOf({}, { with: { run: script, shell } }));

describe('shell step', () => {
  it.each([
    ['bash', 'echo "$0" | grep -q script.sh && [[ 1 == 1 ]] && echo fine'],
    ['sh', 'echo fine'],
    ...(part('python') ? [['python', 'print("fine")'] as const] : []),
    ...(part('pwsh') ? [['pwsh', 'Write-Output fine'] as const] : []),
  ] as const)('runs a script with %s', async (shell, script) => {
    expect(await run(script, shell)).toMatchObject({ kind: 'succeeded', exitCode: 0, isolation: 'process' });
    expect(room.log.trim()).toBe('fine');
  });

  it.each([
    ['bash', 'exit 7', 7],
    ['bash', 'false\necho not reached', 1],
    ['bash', 'false | cat', 1],
    ['sh', 'false\necho not reached', 1],
    ...(part('python') ? [['python', 'import sys; sys.exit(9)', 9] as const] : []),
    ...(part('pwsh') ? [['pwsh', 'exit 4', 4] as const] : []),
  ] as const)('fails as class step where %s ends with another status: %s', async (shell, script, exitCode) => {
    expect(await run(script, shell)).toMatchObject({ kind: 'failed', errorClass: 'step', exitCode });
    expect(room.log).not.toContain('not reached');
  });

  it('says which signal ended it', async () => {
    expect(await run('kill -KILL $$')).toMatchObject({
      kind: 'failed',
      errorClass: 'step',
      message: expect.stringContaining('SIGKILL'),
    });
  });

  it('keeps the order of standard output and standard error', async () => {
    await run('for i in 1 2 3; do echo "out $i"; echo "err $i" >&2; done');
    expect(room.log).toBe('out 1\nerr 1\nout 2\nerr 2\nout 3\nerr 3\n');
  });

  it('has an empty standard input', async () => {
    expect(await run('cat; echo done')).toMatchObject({ kind: 'succeeded' });
    expect(room.log).toBe('done\n');
  });

  it('takes outputs as JSON, as lines and as here-documents', async () => {
    const outcome = await run(
      `echo '{"count":2,"tags":["a"]}' > "$MAESTRO_OUTPUT"\necho name=value=more >> "$GITHUB_OUTPUT"\nprintf 'text<<END\\nline 1\\nline 2\\nEND\\n' >> "$GITHUB_OUTPUT"`,
    );
    expect(outcome.outputs).toEqual({ count: 2, tags: ['a'], name: 'value=more', text: 'line 1\nline 2' });
  });

  it('tells the exit status where outputs are half-written as well', async () => {
    expect(await run('echo "{half" > "$MAESTRO_OUTPUT"; exit 3')).toMatchObject({ kind: 'failed', exitCode: 3 });
  });

  it('keeps the outputs that a failed script wrote', async () => {
    expect(await run('echo coverage=12 >> "$GITHUB_OUTPUT"; exit 3')).toMatchObject({
      kind: 'failed',
      exitCode: 3,
      outputs: { coverage: '12' },
    });
  });
});

describe('output files', () => {
  it.each([
    ['a=1', { a: '1' }],
    ['a=1\r\nb=2\r\n', { a: '1', b: '2' }],
    ['a<<E\nE\n', { a: '' }],
    ['  {"a": 1}', { a: 1 }],
    ['{"__proto__": {"x": 1}}', JSON.parse('{"__proto__": {"x": 1}}')],
  ])('read %j', (text, outputs) => {
    expect(parseOutputs(text)).toEqual(outputs);
  });

  it.each(['{"a": 1', 'nonsense', 'a<<END\nno end', '=x'])('refuse %j', (text) => {
    expect(() => parseOutputs(text)).toThrow(expect.objectContaining({ code: 'OUTPUT_INVALID' }));
  });
});
