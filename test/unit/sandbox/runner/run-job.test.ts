import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { JobBench, workflowOf } from './job-bench.ts';

const ACTION = `
name: Probe
description: tells what it sees
inputs:
  dispatch-id: { description: with a dash, required: true }
  two words: { description: with a blank, default: "\${{ github.repository }}" }
  token: { description: the job's token, default: "\${{ github.token }}" }
outputs:
  seen: { description: what it saw }
runs: { using: node24, main: main.js, post: post.js }
`;
const WRITE_ENV = `require('fs').writeFileSync(process.env.GITHUB_WORKSPACE + '/env.json', JSON.stringify(process.env));`;

describe('a job of the sandbox', () => {
  let bench: JobBench;
  beforeEach(() => {
    bench = new JobBench();
  });
  afterEach(() => bench.remove());

  const workspace = (path: string): string => join(bench.folder, 'work/app/app', path);
  const environment = (): Record<string, string> => JSON.parse(readFileSync(workspace('env.json'), 'utf8'));

  it('runs an action with its inputs, its outputs and its post step, as a real runner does', async () => {
    bench.write('action.yml', ACTION);
    bench.write(
      'main.js',
      `${WRITE_ENV}
const fs = require('fs');
fs.appendFileSync(process.env.GITHUB_OUTPUT, 'seen<<END\\none\\ntwo\\nEND\\n');
fs.appendFileSync(process.env.GITHUB_STATE, 'left=behind\\n');
fs.appendFileSync(process.env.GITHUB_STEP_SUMMARY, '# Hello\\n');`,
    );
    bench.write(
      'post.js',
      `console.log('post saw ' + process.env.STATE_left + ' ' + process.env['INPUT_DISPATCH-ID']);`,
    );
    const { result, log, statuses } = await bench.run(
      workflowOf(`
- uses: acme/action@0123456789012345678901234567890123456789
  id: probe
  with: { dispatch-id: "\${{ inputs.dispatch_id }}" }
- run: echo "got $SEEN"
  env: { SEEN: "\${{ steps.probe.outputs.seen }}" }`),
      { inputs: { dispatch_id: '01ABC' } },
    );

    expect(log.join('\n')).not.toContain('##[error]');
    expect(result.conclusion).toBe('success');
    expect(result.summary).toBe('# Hello\n');
    expect(log).toContain('got one');
    expect(log).toContain('two');
    expect(log).toContain('post saw behind 01ABC');
    expect(environment()).toMatchObject({
      'INPUT_DISPATCH-ID': '01ABC',
      INPUT_TWO_WORDS: 'octo/app',
      INPUT_TOKEN: 'ghs_jobToken123',
      GITHUB_ACTION_REPOSITORY: 'acme/action',
      GITHUB_ACTION_REF: '0123456789012345678901234567890123456789',
      GITHUB_ACTOR_ID: '7',
      GITHUB_REPOSITORY_ID: '11',
      GITHUB_RUN_ATTEMPT: '1',
      GITHUB_WORKFLOW_REF: 'octo/app/.github/workflows/maestro.yml@refs/heads/main',
      RUNNER_ENVIRONMENT: 'self-hosted',
      GITHUB_ACTIONS: 'true',
    });
    expect(statuses.filter((line) => line.includes('Post'))).toEqual([
      'Post Run acme/action@0123456789012345678901234567890123456789: in_progress',
      'Post Run acme/action@0123456789012345678901234567890123456789: success',
    ]);
  });

  it('shows a process nothing of the host and no token that nobody gave it', async () => {
    const { result } = await bench.run(workflowOf(`- run: node -e "${WRITE_ENV}"`), {}, undefined, {
      hostEnvironment: {
        PATH: process.env.PATH,
        HOME: '/nowhere',
        DATABASE_URL: 'postgres://secret',
        ACTIONS_RUNTIME_TOKEN: 'x',
      },
    });
    expect(result.conclusion).toBe('success');
    const seen = environment();
    expect(seen.HOME).toBe('/nowhere');
    for (const name of ['DATABASE_URL', 'GITHUB_TOKEN', 'ACTIONS_RUNTIME_TOKEN', 'ACTIONS_ID_TOKEN_REQUEST_TOKEN']) {
      expect(seen).not.toHaveProperty(name);
    }
    expect(JSON.stringify(seen)).not.toContain('ghs_jobToken123');
  });

  it('hands out the way to an identity only with id-token: write', async () => {
    await bench.run(workflowOf(`- run: node -e "${WRITE_ENV}"`, 'permissions: { contents: read, id-token: write }'));
    expect(environment()).toMatchObject({
      ACTIONS_ID_TOKEN_REQUEST_URL: 'http://127.0.0.1:9/token?x=1',
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'idRequestToken456',
    });
  });

  it('masks its tokens and what a step adds, and keeps annotations', async () => {
    const { result, log } = await bench.run(
      workflowOf(`
- run: |
    secret="s3cret""Value"
    echo "::add-mask::$secret"
    echo "token $TOKEN and $secret"
    echo "::error file=src/a.ts,line=3,endLine=4,title=Bad::it has $secret%0Ahere"
    echo "::stop-commands::pause"
    echo "::error::not a command"
    echo "::pause::"
    echo "::notice::again"
  env: { TOKEN: "\${{ secrets.GITHUB_TOKEN }}" }`),
    );
    expect(log).toContain('token *** and ***');
    expect(log).toContain('::error::not a command');
    expect(log.join('\n')).not.toMatch(/ghs_jobToken123|s3cretValue/);
    expect(result.annotations).toEqual([
      {
        level: 'failure',
        message: 'it has ***\nhere',
        title: 'Bad',
        path: 'src/a.ts',
        startLine: 3,
        endLine: 4,
        startColumn: null,
        endColumn: null,
      },
      expect.objectContaining({ level: 'notice', message: 'again', path: null }),
    ]);
  });

  it('skips what follows a failure, but for steps that ask for it', async () => {
    const { result, log } = await bench.run(
      workflowOf(`
- run: exit 3
- run: echo never
- run: echo "after \${{ job.status }}"
  if: failure()
- run: exit 1
  if: always()
  continue-on-error: true`),
    );
    expect(result.conclusion).toBe('failure');
    expect(result.steps.map(({ conclusion }) => conclusion)).toEqual([
      'success',
      'failure',
      'skipped',
      'success',
      'success',
      'success',
    ]);
    expect(log).toContain('##[error]Process completed with exit code 3.');
    expect(log).toContain('after failure');
  });

  it('carries variables and folders of programs from step to step', async () => {
    const { log } = await bench.run(
      workflowOf(`
- run: |
    echo "COLOR=green" >> "$GITHUB_ENV"
    echo "/first/folder" >> "$GITHUB_PATH"
    echo "GITHUB_SHA=forged" >> "$GITHUB_ENV"
- run: echo "$COLOR \${{ env.COLOR }} \${PATH%%:*} $GITHUB_SHA"`),
    );
    expect(log).toContain(`green green /first/folder ${'a'.repeat(40)}`);
  });

  it('runs composite actions with inputs and outputs of their own', async () => {
    bench.write(
      'greet/action.yml',
      `
name: Greet
description: greets
inputs: { who: { default: nobody, description: who } }
outputs: { said: { description: text, value: "\${{ steps.say.outputs.text }}" } }
runs:
  using: composite
  steps:
    - { id: say, shell: bash, run: 'echo "text=hello \${{ inputs.who }}" >> "$GITHUB_OUTPUT"; ls "$GITHUB_ACTION_PATH"' }
`,
    );
    const { log } = await bench.run(
      workflowOf(`
- { id: greet, uses: acme/action/greet@v1, with: { who: Ada } }
- run: echo "\${{ steps.greet.outputs.said }}!"`),
    );
    expect(log).toContain('hello Ada!');
    expect(log).toContain('action.yml');
  });

  it('fails a workflow that GitHub would refuse, with the messages of its parser', async () => {
    const { result, log } = await bench.run('on: push\njobs:\n  a:\n    runs-on: x\n    stepz: []\n');
    expect(result.conclusion).toBe('failure');
    expect(log.join('\n')).toContain('stepz');
  });

  it('fails a step whose action nobody knows, and one whose expression is wrong', async () => {
    const { result, log } = await bench.run(
      workflowOf(`
- uses: other/thing@v1
- run: echo "\${{ fromJSON('{') }}"
  if: always()`),
    );
    expect(result.steps.slice(1, 3).map(({ conclusion }) => conclusion)).toEqual(['failure', 'failure']);
    expect(log.join('\n')).toContain('unable to resolve action other/thing@v1');
  });

  const HANGING = `
process.on('SIGINT', () => console.log('heard SIGINT'));
process.on('SIGTERM', () => console.log('heard SIGTERM'));
setInterval(() => {}, 1000);
console.log('ready');`;

  it('cancels with SIGINT, SIGTERM and SIGKILL, and still runs post steps', async () => {
    bench.write('action.yml', ACTION);
    bench.write('main.js', HANGING);
    bench.write('post.js', `console.log('cleaned up');`);
    const cancel = new AbortController();
    const { result, log } = await bench.run(
      workflowOf(`
- { uses: acme/action@v1, with: { dispatch-id: x } }
- run: echo never
- run: echo "told \${{ job.status }}"
  if: cancelled()`),
      {
        onLog: (line) => {
          bench.log.push(line);
          if (line === 'ready') cancel.abort();
        },
      },
      cancel.signal,
      { times: { sigtermMs: 50, sigkillMs: 400 } },
    );
    expect(result.conclusion).toBe('cancelled');
    expect(log.filter((line) => /heard|cleaned|told|never/.test(line))).toEqual([
      'heard SIGINT',
      'heard SIGTERM',
      '##[group]Run echo "told cancelled"',
      'echo "told cancelled"',
      'told cancelled',
      'cleaned up',
    ]);
  });

  it('is gone without a word when its machine dies', async () => {
    bench.write('action.yml', ACTION);
    bench.write('main.js', HANGING);
    bench.write('post.js', `console.log('cleaned up');`);
    const death = new AbortController();
    const { result, log } = await bench.run(
      workflowOf(`
- { uses: acme/action@v1, with: { dispatch-id: x } }
- { run: echo never, if: always() }`),
      {
        onLog: (line) => {
          bench.log.push(line);
          if (line === 'ready') death.abort();
        },
      },
      undefined,
      { death: death.signal },
    );
    expect(result.conclusion).toBe('failure');
    expect(log.at(-1)).toBe('ready');
  });

  it('ends a step and a job when their time is over', async () => {
    const step = await bench.run(workflowOf(`- { run: exec sleep 60, timeout-minutes: 0.002 }`));
    expect(step.result.conclusion).toBe('failure');
    const job = await bench.run(
      workflowOf(`- run: exec sleep 60`).replace('    steps:', '    timeout-minutes: 0.002\n    steps:'),
    );
    expect(job.result.conclusion).toBe('cancelled');
  });

  it('leaves no process behind, also none that left its group', async () => {
    const { result } = await bench.run(
      workflowOf(
        `- run: setsid sh -c 'echo $$ > pid; exec sleep 60' > /dev/null 2>&1 & while [ ! -s pid ]; do :; done`,
      ),
    );
    expect(result.conclusion).toBe('success');
    const pid = readFileSync(workspace('pid'), 'utf8').trim();
    expect(existsSync(`/proc/${pid}/cmdline`) && readFileSync(`/proc/${pid}/cmdline`, 'utf8')).not.toContain('sleep');
  });
});
