import { createHash } from 'node:crypto';
import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
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

function write(path: string, text = path): void {
  const absolute = join(room.repositoryRoot, path);
  mkdirSync(dirname(absolute), { recursive: true });
  writeFileSync(absolute, text);
}

describe('an attempt that is stopped while its files are on their way', () => {
  it('gives them up, and is cancelled', async () => {
    write('dist/app.js');
    const isSending = new Promise<AbortSignal>((resolve) => {
      room.client.putBlob = (_worker, _held, _content, signal) =>
        new Promise((_stored, refuse) => {
          signal?.addEventListener('abort', () => refuse(new MaestroError('NETWORK_FAILED', 'given up')));
          if (signal) resolve(signal);
        });
    });
    const { attempt, outcome } = room.start(
      script('true', { artifacts: [{ name: 'dist', path: 'dist/**', isRequired: true }] }),
    );
    expect((await isSending).aborted).toBe(false);
    attempt.stop('cancelled');
    expect(await outcome).toMatchObject({ kind: 'cancelled' });
  });
});

describe('the environment of a step', () => {
  it('holds what is allowed of the worker’s, and nothing else', async () => {
    const hostEnv = {
      PATH: process.env.PATH,
      HOME: '/home/x',
      LC_ALL: 'C',
      USER: 'u',
      DATABASE_URL: 'postgres://secret',
      MAESTRO_TOKEN: 't',
      NODE_OPTIONS: '--x',
      LD_PRELOAD: '/evil',
      TERM: 'xterm',
    };
    await room.run(script('env'), { hostEnv });
    const env = Object.fromEntries(
      room.log
        .trim()
        .split('\n')
        .map((line) => line.split(/=(.*)/s).slice(0, 2) as [string, string]),
    );
    expect(env).toMatchObject({
      HOME: '/home/x',
      LC_ALL: 'C',
      USER: 'u',
      TERM: 'dumb',
      CI: 'true',
      MAESTRO_RUN_ID: 'run-1',
      MAESTRO_STEP: 'step',
      MAESTRO_IDEMPOTENCY_KEY: 'run-1/step/1',
    });
    for (const name of ['DATABASE_URL', 'MAESTRO_TOKEN', 'NODE_OPTIONS', 'LD_PRELOAD'])
      expect(env).not.toHaveProperty(name);
    expect(env.TMPDIR?.startsWith(room.temporaryRoot)).toBe(true);
  });

  it('has the templates of plan and step, the step’s over the plan’s, and never over Maestro’s own', async () => {
    const contexts = { params: { who: 'world', n: 3 }, env: { A: '${{ inputs.who }}', B: 'plan' } };
    await room.run(
      script(
        'echo "$A $B $C $N $MAESTRO_STEP"',
        { env: { B: 'step', C: '${{ env.A }}!', N: '${{ inputs.n }}', MAESTRO_STEP: 'forged' } },
        contexts,
      ),
    );
    expect(room.log).toBe('world step world! 3 step\n');
  });

  it('holds the secrets that the step names, and only where it names some', async () => {
    room.client.secretValues.TOKEN = 's3cret-value';
    await room.run(script('echo "[$TOKEN]" | wc -c'));
    await room.run(script('echo "[$TOKEN]" | wc -c', { secrets: ['TOKEN'] }, {}, { stepId: '1.1' }));
    expect([room.client.logText('1.0').trim(), room.client.logText('1.1').trim()]).toEqual(['3', '15']);
  });

  it('gives each attempt a temporary folder of its own and removes it', async () => {
    await room.run(
      script('echo "$TMPDIR"; stat -c %a "$TMPDIR" 2>/dev/null || stat -f %Lp "$TMPDIR"; touch "$TMPDIR/x"'),
    );
    await room.run(script('echo "$TMPDIR"', {}, {}, { stepId: '1.1' }));
    const [first, mode] = room.client.logText('1.0').split('\n');
    expect(mode).toBe('700');
    expect(room.client.logText('1.1').trim()).not.toBe(first);
    expect(readdirSync(room.temporaryRoot)).toEqual([]);
  });
});

describe('templates', () => {
  it('read result in outputs, and the usual contexts', async () => {
    const outcome = await room.run(
      script(
        'echo coverage=93 >> "$GITHUB_OUTPUT"',
        {
          outputs: {
            coverage: '${{ result.coverage }}',
            code: '${{ result.exitCode }}',
            who: 'by ${{ github.actor }}',
            os: '${{ runner.os }}',
          },
        },
        { github: { actor: 'ada' } },
      ),
    );
    expect(outcome.outputs).toEqual({
      coverage: '93',
      code: 0,
      who: 'by ada',
      os: process.platform === 'linux' ? 'Linux' : 'macOS',
    });
  });

  it('that are wrong fail the step before it runs', async () => {
    expect(await room.run(script('touch ran', { env: { A: '${{ nonsense( }}' } }))).toMatchObject({
      kind: 'failed',
      errorClass: 'step',
      errorCode: 'EXPRESSION_FAILED',
    });
    expect(existsSync(join(room.repositoryRoot, 'ran'))).toBe(false);
  });

  it('hash files as GitHub does, by the digests of all matches in order', async () => {
    write('a/package-lock.json', 'one');
    write('b/package-lock.json', 'two');
    const sha = (data: string | Buffer): Buffer => createHash('sha256').update(data).digest();
    const expected = sha(Buffer.concat([sha('one'), sha('two')])).toString('hex');
    const outcome = await room.run(
      script('true', {
        outputs: {
          hash: "${{ hashFiles('**/package-lock.json') }}",
          none: "${{ hashFiles('missing') }}",
          both: "${{ hashFiles('a/*', 'b/*') }}",
        },
      }),
    );
    expect(outcome.outputs).toEqual({ hash: expected, none: '', both: expected });
  });

  it('cannot hash files outside of the checkout', async () => {
    expect(await room.run(script('true', { env: { A: "${{ hashFiles('../**') }}" } }))).toMatchObject({
      kind: 'failed',
      errorCode: 'INPUT_INVALID',
    });
    symlinkSync('/etc/hostname', join(room.repositoryRoot, 'link'));
    expect(await room.run(script('true', { outputs: { a: "${{ hashFiles('link') }}" } }))).toMatchObject({
      outputs: { a: '' },
    });
  });

  it('evaluate to an input digest that is equal for equal inputs and tells nothing of secrets', async () => {
    const digest = async (value: string, n: number): Promise<string | undefined> => {
      room.client.secretValues.TOKEN = value;
      return (
        await room.run(
          script(
            'true',
            { secrets: ['TOKEN'], env: { T: '${{ secrets.TOKEN }}', N: '${{ inputs.n }}' } },
            { params: { n } },
          ),
        )
      ).inputDigest;
    };
    const first = await digest('s3cret-value-1', 1);
    expect(await digest('s3cret-value-2', 1)).toBe(first);
    expect(await digest('s3cret-value-1', 2)).not.toBe(first);
  });
});

describe('the working directory', () => {
  it('is the checkout, or a folder in it', async () => {
    write('packages/a/x');
    await room.run(script('pwd; ls', { workingDirectory: 'packages/a' }));
    expect(room.log).toBe(`${room.repositoryRoot}/packages/a\nx\n`);
  });

  it.each(['..', '../..', '/etc', 'missing', 'file', 'link'])('is refused at %s', async (workingDirectory) => {
    write('file');
    symlinkSync('/etc', join(room.repositoryRoot, 'link'));
    expect(await room.run(script('true', { workingDirectory }))).toMatchObject({
      kind: 'failed',
      errorCode: 'STEP_NOT_STARTED',
    });
  });
});

describe('artifacts', () => {
  const artifacts = (path: string, isRequired = true): PlanStep['artifacts'] => [{ name: 'out', path, isRequired }];

  it.each([
    ['out/**', ['a.txt', 'deep/b.txt', '.hidden']],
    ['out', ['a.txt', 'deep/b.txt', '.hidden']],
    ['./out/*.txt', ['a.txt']],
    ['out/deep/b.txt', ['b.txt']],
    ['**/*.txt', ['out/a.txt', 'out/deep/b.txt']],
  ])('matched by %s are stored by digest with paths below their root', async (glob, paths) => {
    const outcome = await room.run(
      script(
        'mkdir -p out/deep .git; echo -n a > out/a.txt; echo -n b > out/deep/b.txt; echo -n h > out/.hidden; echo g > .git/g.txt',
        { artifacts: artifacts(glob) },
      ),
    );
    expect(outcome.artifacts?.map(({ path }) => path).sort()).toEqual([...paths].sort());
    const b = outcome.artifacts?.find(({ path }) => path.endsWith('b.txt'));
    expect(b ?? { name: 'out', digest: digestBytes('b'), sizeBytes: 1 }).toMatchObject({
      name: 'out',
      digest: digestBytes('b'),
      sizeBytes: 1,
    });
    for (const { digest } of outcome.artifacts ?? []) expect(room.client.blobs.has(digest)).toBe(true);
  });

  it('that are required and missing fail the step', async () => {
    expect(await room.run(script('true', { artifacts: artifacts('out/**') }))).toMatchObject({
      kind: 'failed',
      errorClass: 'step',
      errorCode: 'ARTIFACT_NOT_FOUND',
    });
    expect(await room.run(script('true', { artifacts: artifacts('out/**', false) }))).toMatchObject({
      kind: 'succeeded',
      artifacts: [],
    });
  });

  it('never hold what a link outside of the working directory leads to', async () => {
    const outcome = await room.run(
      script('mkdir out; ln -s /etc/hostname out/host; ln -s /etc out/etc; echo x > out/x; ln -s x out/inside', {
        artifacts: artifacts('out/**'),
      }),
    );
    expect(outcome.artifacts?.map(({ path }) => path)).toEqual(['inside', 'x']);
    expect(outcome.annotations?.map(({ path }) => path).sort()).toEqual(['out/etc', 'out/host']);
    for (const path of ['out/etc/hostname', 'out/etc/*']) {
      expect(await room.run(script('true', { artifacts: artifacts(path) }))).toMatchObject({
        kind: 'failed',
        errorCode: 'ARTIFACT_NOT_FOUND',
      });
    }
  });

  it.each(['../**', '/etc/*', 'a/../../b'])('cannot be asked for at %s', async (path) => {
    expect(await room.run(script('true', { artifacts: artifacts(path) }))).toMatchObject({
      kind: 'failed',
      errorCode: 'INPUT_INVALID',
    });
  });

  it('are kept of a step that failed, and their reports become annotations', async () => {
    const xml =
      '<testsuite><testcase name="adds" file="a.test.ts" line="3"><failure>expected 1</failure></testcase></testsuite>';
    const outcome = await room.run(script(`echo '${xml}' > junit.xml; exit 1`, { artifacts: artifacts('*.xml') }));
    expect(outcome).toMatchObject({ kind: 'failed', exitCode: 1, artifacts: [{ path: 'junit.xml' }] });
    expect(outcome.annotations).toEqual([
      { level: 'failure', message: 'expected 1', title: 'adds', path: 'a.test.ts', startLine: 3, endLine: 3 },
    ]);
  });
});

describe('failures of the worker', () => {
  it.each([
    ['POLICY_DENIED', undefined],
    ['SECRET_NOT_FOUND', 'step'],
    ['DISK_FULL', 'infra'],
  ] as const)('%s while secrets are fetched has the class %s', async (code, errorClass) => {
    room.client.beforeCall = (name) => {
      if (name === 'secrets') throw new MaestroError(code, 'no');
    };
    const outcome = await room.run(script('true', { secrets: ['A'] }));
    expect(outcome).toMatchObject({ kind: 'failed', errorCode: code });
    expect(outcome.errorClass).toBe(errorClass);
  });

  it('are infra where the temporary root cannot be written', async () => {
    writeFileSync(room.temporaryRoot, 'a file');
    expect(await room.run(script('true'))).toMatchObject({ kind: 'failed', errorClass: 'infra' });
  });

  it('name the step that this version lacks', async () => {
    expect(await room.run(leaseOf({}, { uses: 'llm.plan', with: {} }))).toMatchObject({
      kind: 'failed',
      errorClass: 'step',
      errorCode: 'STEP_NOT_AVAILABLE',
    });
  });

  it('refuse an input that the step’s schema does not allow', async () => {
    expect(await room.run(leaseOf({}, { with: { shell: 'bash' } }))).toMatchObject({
      kind: 'failed',
      errorCode: 'INPUT_INVALID',
    });
  });

  it('do not follow where the checkout itself is named by a link', async () => {
    const link = `${room.repositoryRoot}-link`;
    symlinkSync(room.repositoryRoot, link);
    const outcome = await room.run(
      script('mkdir a; echo x > a/x; echo "::error file=$PWD/a/x::m"', {
        artifacts: [{ name: 'a', path: 'a', isRequired: true }],
      }),
      { repositoryRoot: link },
    );
    expect(outcome).toMatchObject({ kind: 'succeeded', artifacts: [{ path: 'x' }], annotations: [{ path: 'a/x' }] });
  });

  it('leave no temporary folder behind', async () => {
    await room.run(leaseOf({}, { uses: 'llm.plan', with: {} }));
    chmodSync(room.repositoryRoot, 0o755);
    expect(lstatSync(room.temporaryRoot).isDirectory() && readdirSync(room.temporaryRoot)).toEqual([]);
  });
});
