import { describe, expect, it } from 'vitest';
import { MaestroError } from '../../../src/base/errors.ts';
import type { StartRun } from '../../../src/protocol/client.ts';
import { RUN_ID, type Scene, ScriptedClient } from '../../fakes/client.ts';
import { FakeProcess, finished, oneStep, project, started } from './harness.ts';

const RUN_TO_SUCCESS: readonly Scene[] = [
  { fact: 'run.started' },
  { fact: 'step.started', step: 'build' },
  { log: 'compiling\u001b]0;own', step: 'build' },
  { log: 'ed\u0007 all\nno line end', step: 'build' },
  { fact: 'step.succeeded', step: 'build' },
  { fact: 'run.succeeded' },
];

const asked = (client: ScriptedClient, verb: string): unknown => client.asked.find(([name]) => name === verb)?.[1];

describe('maestro run', () => {
  it('starts the only pipeline, prints its events and logs, and exits with 0', async () => {
    const client = oneStep(RUN_TO_SUCCESS);
    const process = started(client);
    expect(await process.run('run')).toBe(0);
    expect(process.out.split('\n')).toEqual([
      `run ${RUN_ID}: golden, 1 step`,
      '+  0.0s  run started',
      '+  1.0s  build started',
      'build | compiling all',
      'build | no line end',
      '+  2.0s  build succeeded: 1.0s',
      '+  3.0s  run succeeded',
      '',
      `succeeded in 3.0s  run ${RUN_ID}`,
      `receipt signed: sha256:${'c'.repeat(64)}`,
      '',
    ]);
    expect(process.err).toContain('next: maestro receipt 01kdxyz0a0');
    expect(client.asked.at(-1)).toEqual(['close', null]);
  });

  it('answers the run itself with --json, and nothing else on standard output', async () => {
    const process = started(oneStep(RUN_TO_SUCCESS));
    expect(await process.run('run', 'ci', '--json')).toBe(0);
    expect(JSON.parse(process.out)).toMatchObject({
      id: RUN_ID,
      status: 'succeeded',
      steps: [{ id: 'build', status: 'succeeded', attempts: 1 }],
      receipt: { status: 'signed' },
    });
  });

  it.each<[string, number, Scene[]]>([
    ['a failed step', 1, [{ fact: 'step.failed', step: 'build' }, { fact: 'run.failed' }]],
    ['a cancelled run', 1, [{ fact: 'run.cancelled' }]],
    [
      'a step that policy denied',
      3,
      [{ fact: 'step.denied', step: 'build', data: { reason: 'no' } }, { fact: 'run.failed' }],
    ],
    ['a rejected run', 3, [{ fact: 'run.rejected', data: { reason: 'no' } }]],
    ['a gate', 4, [{ fact: 'approval.requested', step: 'build', data: { kind: 'gate', reason: 'please' } }]],
  ])('exits for %s with %i', async (_title, code, scenes) => {
    const process = started(oneStep([{ fact: 'run.started' }, ...scenes]));
    expect(await process.run('run')).toBe(code);
  });

  it('names the command that answers a gate', async () => {
    const process = started(
      oneStep([{ fact: 'approval.requested', step: 'build', data: { kind: 'gate', reason: 'please' } }]),
    );
    await process.run('run');
    expect(process.out).toContain('build waits for approval: please');
    expect(process.err).toContain('next: maestro approve 01kdxyz0a0 --gate build');
  });

  it('passes parameters, budget, actor and secrets on, the secrets never to the run', async () => {
    const client = oneStep(RUN_TO_SUCCESS);
    const process = started(client, { variables: { TOKEN: 'hunter2', OTHER: 'x' } });
    const words = [
      '--param',
      'env=staging',
      '--param',
      'q=a=b',
      '--budget',
      '5usd',
      '--actor',
      'bob',
      '--secret',
      'TOKEN',
      '--secret',
      'KEY=OTHER',
    ];
    expect(await process.run('run', ...words)).toBe(0);
    const request = asked(client, 'startRun') as StartRun;
    expect(request.plan.params).toEqual({ env: 'staging', q: 'a=b' });
    expect(request.plan.budget).toEqual({ microUsd: 5_000_000 });
    expect(request.trigger).toMatchObject({ type: 'manual', actor: { provider: 'local', id: 'bob' }, isFork: false });
    expect(process.opened).toEqual([{ secrets: { TOKEN: 'hunter2', KEY: 'x' } }]);
    expect(JSON.stringify(request) + process.out + process.err).not.toContain('hunter2');
  });

  it.each([
    ['a secret that the environment lacks', ['--secret', 'TOKEN'], 2, 'SECRET_NOT_FOUND'],
    ['a parameter without a value', ['--param', 'env'], 2, 'USAGE'],
    ['a budget without a unit', ['--budget', '5'], 2, 'USAGE'],
    ['somebody of another provider', ['--actor', 'github:torvalds'], 2, 'USAGE'],
    ['a name with a space', ['--actor', 'local:a b'], 2, 'USAGE'],
    ['no name', ['--actor', 'local:'], 2, 'USAGE'],
    ['two pipelines', ['-m', 'b.yaml'], 2, 'USAGE'],
    ['a pipeline that does not exist', ['--template', 'nope'], 2, 'USAGE'],
  ])('starts nothing for %s', async (_title, words, code, error) => {
    const client = oneStep([]);
    const process = started(client);
    expect(await process.run('run', 'ci', ...words)).toBe(code);
    expect(process.err).toContain(`error[${error}]`);
    expect(client.asked).toEqual([]);
  });

  it('shows every finding of a pipeline that cannot run, and exits with 2', async () => {
    const process = new FakeProcess({
      cwd: project({ '.maestro/ci.yaml': 'name: x\n  broken: 1\n' }),
      client: oneStep([]),
    });
    expect(await process.run('run')).toBe(2);
    expect(process.err).toContain('.maestro/ci.yaml:2:3: error[schema-value]: is broken');
    expect(process.err).toContain('error[PIPELINE_INVALID]');
  });

  it('cancels the run at the first Ctrl-C', async () => {
    const client = oneStep([{ fact: 'run.started' }, { pause: () => process.interrupt() }, { fact: 'run.succeeded' }]);
    const process = started(client);
    expect(await process.run('run')).toBe(1);
    expect(asked(client, 'cancelRun')).toBe('interrupted by local:ana');
    expect(process.err).toContain('press Ctrl-C again');
  });

  it('leaves the run as it is at SIGTERM, and says how to go on', async () => {
    const client = oneStep([
      { fact: 'run.started' },
      { pause: () => process.interrupt('terminate') },
      { fact: 'run.succeeded' },
    ]);
    const process = started(client);
    expect(await process.run('run')).toBe(130);
    expect(asked(client, 'cancelRun')).toBeUndefined();
    expect(process.err).toContain('maestro resume 01kdxyz0a0');
  });

  it('stays with --wait until somebody else answers', async () => {
    const client: ScriptedClient = oneStep([
      { fact: 'run.started' },
      { fact: 'approval.requested', step: 'build', data: { kind: 'gate', reason: 'please' } },
    ]);
    const process = started(client);
    const code = process.run('run', '--wait');
    await client.elsewhere([
      { fact: 'approval.answered', step: 'build' },
      { fact: 'step.succeeded', step: 'build' },
      { fact: 'run.succeeded' },
    ]);
    expect(await code).toBe(0);
  });

  it('closes Maestro and gives the terminal back when the work fails', async () => {
    const client = oneStep([{ pause: () => Promise.reject(new MaestroError('DISK_FULL', 'no space is left')) }]);
    const process = started(client, { isTty: true });
    expect(await process.run('run')).toBe(1);
    expect(process.err).toContain('error[DISK_FULL]');
    expect(process.out).toContain('\u001b[?25h');
    expect(client.asked.at(-1)).toEqual(['close', null]);
  });

  it('draws on a terminal, and ends with the whole graph', async () => {
    const process = started(oneStep(RUN_TO_SUCCESS), { isTty: true });
    expect(await process.run('run')).toBe(0);
    expect(process.out).toContain('✓ build');
    expect(process.out).not.toContain('owned');
    expect(process.out.lastIndexOf('\u001b[?25h')).toBeGreaterThan(process.out.lastIndexOf('\u001b[?25l'));
  });
});

describe('maestro retry, resume and cancel', () => {
  it.each([
    [[], { type: 'failed' }],
    [['--failed'], { type: 'failed' }],
    [['--all'], { type: 'all' }],
    [['--from', 'build'], { type: 'from', step: 'build' }],
  ])('retry %j asks for %j', async (words, scope) => {
    const client = oneStep([], RUN_TO_SUCCESS);
    expect(await started(client).run('retry', 'latest', ...words)).toBe(0);
    expect(asked(client, 'retryRun')).toEqual(scope);
  });

  it('retry refuses two scopes', async () => {
    expect(await started(oneStep([])).run('retry', 'latest', '--all', '--from', 'build')).toBe(2);
  });

  it('resume takes the latest run and works it', async () => {
    const client = oneStep([], RUN_TO_SUCCESS);
    expect(await started(client).run('resume')).toBe(0);
    expect(asked(client, 'resumeRun')).toBe('latest');
  });

  it('cancel says who cancelled, and exits with 0 when the run is cancelled', async () => {
    const client = oneStep([]);
    expect(await started(client).run('cancel', 'latest')).toBe(0);
    expect(asked(client, 'cancelRun')).toBe('cancelled by local:ana');
  });

  it.each([['resume'], ['retry'], ['cancel'], ['status'], ['logs'], ['watch'], ['approve'], ['receipt'], ['replay']])(
    '%s exits with 2 for a run that does not exist',
    async (command) => {
      const process = started(oneStep([]));
      expect(await process.run(command, 'nope')).toBe(2);
      expect(process.err).toContain('error[RUN_NOT_FOUND]');
    },
  );
});

describe('maestro replay', () => {
  it('runs the stored plan and says that the results are equal', async () => {
    const client = finished('succeeded');
    const process = started(client);
    expect(await process.run('replay', 'latest')).toBe(0);
    expect(asked(client, 'startRun')).toMatchObject({
      plan: client.plan,
      trigger: { github: { event_name: 'push' }, actor: { id: 'ana' } },
      relations: [{ type: 'replayOf', runId: RUN_ID, payloadSha256: 'c'.repeat(64) }],
    });
    expect(process.out).toContain('equal: 1 step');
  });

  it('exits with 1 and names what differs', async () => {
    const client = finished('succeeded', { outputs: { version: 1 } });
    const first = client.startRun.bind(client);
    client.startRun = async (request) => {
      await first(request);
      const [step] = client.view.steps;
      client.view = { ...client.view, steps: [{ ...step!, outputs: { version: 2 }, exitCode: 0 }] };
      return client.view;
    };
    const process = started(client);
    expect(await process.run('replay', 'latest', '--json')).toBe(1);
    expect(JSON.parse(process.out).comparison).toMatchObject({
      isEqual: false,
      steps: [
        { id: 'build', before: 'succeeded', after: 'succeeded', beforeMs: 3000, differences: ['exit code', 'outputs'] },
      ],
    });
  });
});

describe('the comparison of a replay', () => {
  it('takes a result from the cache for the same, although it has no exit code', async () => {
    const client = finished('succeeded', { exitCode: 0 });
    const first = client.startRun.bind(client);
    client.startRun = async (request) => {
      await first(request);
      const [step] = client.view.steps;
      client.view = { ...client.view, steps: [{ ...step!, exitCode: null, isCacheHit: true }] };
      return client.view;
    };
    const process = started(client);
    expect(await process.run('replay', 'latest')).toBe(0);
    expect(process.out).toContain('3.0s (cached)');
  });
});

describe('maestro status, logs and watch', () => {
  it('lists runs', async () => {
    const process = started(finished('failed'));
    expect(await process.run('status')).toBe(0);
    expect(process.out.split('\n')[1]).toBe('01kdxyz0a0  failed  4.0s  5.0s ago  golden');
  });

  it('shows a run as it is', async () => {
    const process = started(finished('succeeded'));
    expect(await process.run('status', '01kd')).toBe(0);
    expect(process.out).toContain('✓ build      3.0s');
  });

  it('answers the run with --json', async () => {
    const client = finished('succeeded');
    const process = started(client);
    expect(await process.run('status', 'latest', '--json')).toBe(0);
    expect(JSON.parse(process.out)).toEqual(client.view);
  });

  it('prints logs of one step, neutralised, without a prefix', async () => {
    const client = finished('succeeded');
    client.lines.push(
      { step: 'build', attempt: 1, text: '\u001b[2Jhello\r\nworld\n' },
      { step: 'other', attempt: 1, text: 'no' },
    );
    const process = started(client);
    expect(await process.run('logs', 'latest', '--step', 'build')).toBe(0);
    expect(process.out).toBe('hello\nworld\n');
  });

  it('streams logs and events as lines of JSON', async () => {
    const client = oneStep(RUN_TO_SUCCESS);
    await client.play(new AbortController().signal);
    const process = started(client);
    expect(await process.run('watch', 'latest', '--json')).toBe(0);
    expect(
      process.out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).seq),
    ).toEqual([1, 2, 3, 4]);
    process.out = '';
    expect(await process.run('logs', 'latest', '--follow', '--json')).toBe(0);
    expect(JSON.parse(process.out.split('\n')[0]!)).toEqual({
      step: 'build',
      attempt: 1,
      text: 'compiling\u001b]0;owned\u0007 all',
    });
  });

  it('stops watching at Ctrl-C and leaves the run alone', async () => {
    const client = oneStep([]);
    const process = started(client);
    const code = process.run('watch', 'latest');
    await new Promise((resolve) => setImmediate(resolve));
    process.interrupt();
    expect(await code).toBe(130);
    expect(asked(client, 'cancelRun')).toBeUndefined();
  });
});

describe('inside of a step', () => {
  const ACTING = [
    ['run'],
    ['retry', 'latest'],
    ['resume'],
    ['replay', 'latest'],
    ['cancel', 'latest'],
    ['approve', 'latest'],
    ['deny', 'latest'],
    ['revoke', 'latest'],
  ];

  it.each(ACTING.flatMap((words) => ['ATTEMPT', 'WORKER'].map((whose) => [words.join(' '), whose, words] as const)))(
    'maestro %s is refused by the mark of the %s, before anything is opened',
    async (_title, whose, words) => {
      const client = oneStep([]);
      const process = started(client, { variables: { [`MAESTRO_${whose}_TOKEN`]: 'abc' } });
      expect(await process.run(...words)).toBe(2);
      expect(process.err).toContain('error[NOT_FROM_STEP]');
      expect(process.err).not.toContain('abc');
      expect([client.asked, process.opened]).toEqual([[], []]);
    },
  );

  it('one may look', async () => {
    const process = started(finished('succeeded'), { variables: { MAESTRO_ATTEMPT_TOKEN: 'abc' } });
    expect(await process.run('status', 'latest')).toBe(0);
  });
});
