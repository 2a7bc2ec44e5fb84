import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXIT } from '../../src/cli/exit-codes.ts';
import type { RunView } from '../../src/protocol/run.ts';
import { type Ended, Project } from './maestro.ts';

/** SIGTERM reaches the step at once, SIGKILL after the grace; the rest is for a busy machine. */
const STOP_MS_MAX = 12_000;
const MEBIBYTE = 1024 * 1024;
const TIMEOUT_MS = 90_000;

const pipeline = (name: string, steps: string): string => `name: ${name}\nsteps:\n${steps}`;
const shell = (id: string, run: string, more = ''): string =>
  `  - id: ${id}\n    shell: sh\n${more}    run: |\n${run
    .split('\n')
    .map((line) => `      ${line}\n`)
    .join('')}`;

describe('steps that misbehave, through the real process', { timeout: TIMEOUT_MS }, () => {
  const project = new Project();
  beforeAll(async () => {
    project.write('.maestro/warm.yaml', pipeline('warm', shell('one', 'true')));
    await project.maestro('run', 'warm');
  }, TIMEOUT_MS);
  afterAll(() => project.remove());

  const run = async (name: string, steps: string, words: readonly string[] = [], env = {}): Promise<Ended> => {
    project.write(`.maestro/${name}.yaml`, pipeline(name, steps));
    return project.start(['run', name, '--json', ...words], env).ended;
  };

  it('a step that prints 64 MB: it succeeds, and the log that is kept is bounded', async () => {
    const ended = await run('flood', shell('print', "yes 'all work and no play' | head -c 67108864"));
    expect(viewOf(ended)).toMatchObject({ status: 'succeeded', receipt: { status: 'signed' } });
    expect(ended.code).toBe(EXIT.ok);
    const { stdout } = await project.maestro('logs', 'latest');
    expect(stdout.length).toBeGreaterThan(MEBIBYTE);
    expect(stdout.length).toBeLessThan(40 * MEBIBYTE);
  });

  it('a step that never ends: it fails at its timeout, and nothing of it goes on', async () => {
    const ended = await run('endless', shell('hang', 'sleep 3101', '    timeout: 500ms\n    retry: 0\n'));
    expect(ended.code).toBe(EXIT.failed);
    const [step] = viewOf(ended).steps;
    expect(step).toMatchObject({ status: 'failed', reason: expect.stringContaining('timeout') });
    expect(processesWith('sleep 3101')).toEqual([]);
  });

  it('a step that forks and detaches: nothing of it goes on after the run', async () => {
    // It ends once one of them is in a session of its own: before that they end with the step's group, as any child does.
    const script = [
      'setsid sh -c "touch detached; sleep 3102; sleep 3102" >/dev/null 2>&1 &',
      '(setsid sleep 3102 &)',
      'nohup sleep 3102 >/dev/null 2>&1 &',
      'until [ -e detached ]; do sleep 0.05; done',
    ].join('\n');
    const ended = await run('detach', shell('fork', script));
    expect(ended.code).toBe(EXIT.ok);
    expect(processesWith('sleep 3102')).toEqual([]);
    expect(viewOf(ended).steps[0]?.annotations).toMatchObject([{ level: 'warning' }]);
  });

  it('Ctrl-C once: the run closes as cancelled, with a receipt, and its steps are gone', async () => {
    project.write('.maestro/interrupted.yaml', pipeline('interrupted', shell('wait', 'echo begun\nsleep 3103')));
    const running = project.start(['run', 'interrupted']);
    await running.says('begun');
    const beganMs = performance.now();
    running.child.kill('SIGINT');
    const ended = await running.ended;
    expect(performance.now() - beganMs).toBeLessThan(STOP_MS_MAX);
    expect(ended.code).toBe(EXIT.failed);
    expect(processesWith('sleep 3103')).toEqual([]);
    const { stdout } = await project.maestro('status', 'latest', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ status: 'cancelled', receipt: { status: 'signed' } });
  });

  it('SIGTERM: the run is left as it is, and `resume` brings it to its end', async () => {
    project.write(
      '.maestro/left.yaml',
      pipeline('left', shell('wait', 'echo begun\nif [ -e go ]; then exit 0; fi\nsleep 3104')),
    );
    const running = project.start(['run', 'left']);
    await running.says('begun');
    running.child.kill('SIGTERM');
    expect((await running.ended).code).toBe(EXIT.interrupted);
    expect(processesWith('sleep 3104')).toEqual([]);
    project.write('go', '');
    expect(viewOf(await project.maestro('resume', '--json'))).toMatchObject({ status: 'succeeded' });
  });

  it('kill -9: the steps of the killed process end with it', async () => {
    project.write(
      '.maestro/killed.yaml',
      pipeline('killed', shell('wait', 'setsid sleep 3105 & echo begun\nif [ -e go-on ]; then exit 0; fi\nsleep 3105')),
    );
    const running = project.start(['run', 'killed']);
    await running.says('begun');
    running.child.kill('SIGKILL');
    await running.ended;
    await expect.poll(() => processesWith('sleep 3105'), { timeout: 5000 }).toEqual([]);
    project.write('go-on', '');
    expect(viewOf(await project.maestro('resume', '--json'))).toMatchObject({ status: 'succeeded' });
  });

  it('a step that prints its secret in every way: the value is nowhere', async () => {
    const secret = 'tr0ub4dor&3/päss wörd?';
    const forms = [secret, Buffer.from(secret).toString('base64'), encodeURIComponent(secret)];
    const script = [
      'echo "raw $TOKEN"',
      'echo "$TOKEN" | base64; printf %s "$TOKEN" | base64 -w 0; echo',
      'python3 -c "import os,urllib.parse;print(urllib.parse.quote(os.environ[\'TOKEN\'],safe=str()))"',
      'python3 -c "import os,time,sys\nfor c in os.environ[\'TOKEN\']: sys.stdout.write(c); sys.stdout.flush(); time.sleep(0.01)"',
      'echo "leak=$TOKEN" >> "$MAESTRO_OUTPUT"',
      'echo "::error::found $TOKEN"',
      'exit 1',
    ].join('\n');
    const ended = await run(
      'leaky',
      shell('print', script, '    secrets: [TOKEN]\n    retry: 0\n'),
      ['--secret', 'TOKEN'],
      { TOKEN: secret },
    );
    expect(ended.code).toBe(EXIT.failed);
    const logs = await project.maestro('logs', 'latest');
    expect(logs.stdout).toContain('raw ***');
    await project.maestro('receipt', 'latest', '-o', 'leaky-proof');
    const places = [
      { path: 'output', bytes: Buffer.from(ended.stdout + ended.stderr + logs.stdout) },
      ...filesBelow(join(project.root, '.maestro')),
      ...filesBelow(join(project.root, 'leaky-proof')),
    ];
    const leaks = places.flatMap(({ path, bytes }) =>
      forms.filter((form) => bytes.includes(form)).map((form) => `${path}: ${form}`),
    );
    expect(leaks).toEqual([]);
  });

  it('a secret that nobody gave: exit code 2 where the flag names it, a failed step where only the pipeline does', async () => {
    const steps = shell('use', 'true', '    secrets: [ABSENT]\n');
    expect(await run('unset', steps, ['--secret', 'ABSENT'])).toMatchObject({ code: EXIT.usage });
    const ended = await run('unset', steps);
    expect(ended.code).toBe(EXIT.failed);
    expect(viewOf(ended).steps[0]?.reason).toContain('--secret ABSENT');
  });

  it('denied by policy: exit code 3, and the refusal has a receipt', async () => {
    const denied = await run('denied', shell('one', 'touch never', '    tags: [never-heard-of]\n'));
    expect(denied.code).toBe(EXIT.denied);
    expect(viewOf(denied).receipt).toMatchObject({ status: 'signed' });
    expect(readdirSync(project.root)).not.toContain('never');
    expect(await project.maestro('receipt', 'latest', '-o', 'denied-proof')).toMatchObject({ code: EXIT.ok });
    expect(await project.maestro('verify', 'denied-proof')).toMatchObject({ code: EXIT.ok });
  });

  it('waiting for approval: exit code 4, then the answer decides', async () => {
    const gate = '  - { id: consent, uses: approval }\n';
    expect(await run('asks', gate + shell('after', 'true'))).toMatchObject({ code: EXIT.waiting });
    expect(await project.maestro('approve', 'latest', '--reason', 'fine')).toMatchObject({ code: EXIT.ok });
    expect(await run('asks', gate + shell('after', 'true'))).toMatchObject({ code: EXIT.waiting });
    expect(await project.maestro('deny', 'latest', '--reason', 'no')).toMatchObject({ code: EXIT.denied });
  });
});

function viewOf({ stdout, stderr }: Ended): RunView {
  if (!stdout.startsWith('{')) throw new Error(`expected a run, got ${stdout}${stderr}`);
  return JSON.parse(stdout) as RunView;
}

/** Command lines of living processes that hold the text. The numbers in the texts are no one else's. */
function processesWith(text: string): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      try {
        return [readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')];
      } catch {
        return [];
      }
    })
    .filter((line) => line.includes(text));
}

function filesBelow(folder: string): readonly { readonly path: string; readonly bytes: Buffer }[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())
    .map((path) => ({ path, bytes: readFileSync(path) }));
}
