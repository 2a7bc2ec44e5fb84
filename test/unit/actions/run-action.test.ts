import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MaestroError } from '../../../src/base/errors.ts';
import type { Lease } from '../../../src/protocol/lease.ts';
import { findIsolation } from '../../../src/worker/isolation.ts';
import { leaseOf } from '../worker/leases.ts';
import { IDENTITY, JOB_TOKEN, JobWorld, PERMIT } from './job-world.ts';

const DISPATCHED = { 'dispatch-id': '01DISPATCH', run: 'run1', class: 'linux', capacity: '2' };

describe('the bundled action', () => {
  let world: JobWorld;
  beforeEach(async () => {
    world = new JobWorld();
    await world.open();
    world.checkout.sha = world.git.commit({ 'greeting.txt': 'hello from the tested commit\n' });
  });
  afterEach(() => world.close());

  /** When these have ended, the worker is told that nothing is left. */
  function queue(...leases: readonly Lease[]): void {
    world.conductor.queue(...leases);
    world.conductor.successors = () => {
      if (world.conductor.outcomes.size === leases.length) world.conductor.send({ type: 'drain' });
      return [];
    };
  }
  const step = (run: string, number = 0): Lease =>
    leaseOf({ stepId: `1.${number}`, runId: 'run1' }, { id: `step-${number}`, with: { run } });
  const outcomeOf = (number = 0) => world.conductor.outcomes.get(`1.${number}`);

  it('proves who it is, runs the steps of its run on the tested commit, and ends when none is left', async () => {
    queue(step('cat greeting.txt; git log --oneline | wc -l'));
    const job = await world.run(world.environment({ ...DISPATCHED, server: world.server }));
    expect(world.errors).toEqual([]);
    expect(job).toMatchObject({ exitCode: 0 });
    expect(world.audiences).toEqual([world.server]);
    expect(world.admissions).toEqual(['01DISPATCH']);
    expect(outcomeOf()).toMatchObject({ kind: 'succeeded', isolation: findIsolation(Math.random).kind });
    expect(world.conductor.logText()).toBe('hello from the tested commit\n1\n');
    expect(job.log).toContain('::group::step-0: succeeded');
    expect(job.outputs).toMatch(/^run-id<<(END-\w+)\nrun1\n\1\nstatus<<(END-\w+)\nrunning\n\2\n$/);
    expect(job.summary).toContain('| step-0 | succeeded |');
    expect(world.conductor.hellos).toEqual([
      expect.objectContaining({ runners: ['linux'], run: 'run1', capacity: 2, name: 'runner of the test' }),
    ]);
    expect(world.conductor.hasLeft).toBe(true);
    expect(world.hasClosed).toBe(true);
  });

  it('ends well also where a step failed, because the check tells that, and marks the failure in its log', async () => {
    queue(step('echo "::error file=greeting.txt,line=1::too polite"; exit 3'));
    const job = await world.run(world.environment({ ...DISPATCHED, server: world.server }));
    expect(job.exitCode).toBe(0);
    expect(outcomeOf()).toMatchObject({ kind: 'failed', exitCode: 3 });
    expect(job.log).toContain('::error file=greeting.txt,line=1::too polite\n');
  });

  it('ends well where its run was cancelled before it came', async () => {
    world.refusal = new MaestroError('RUN_FINISHED', 'run 01run is over');
    const job = await world.run(world.environment({ ...DISPATCHED, server: world.server }));
    expect(job).toMatchObject({ exitCode: 0, log: expect.stringContaining('run 01run is over') });
    expect(job.log).not.toContain('::error');
  });

  it('carries out no command that a step prints', async () => {
    queue(step('echo "::set-env name=PATH::/evil"; echo "::endgroup::"; echo "##[error]forged"'));
    const { log } = await world.run(world.environment({ ...DISPATCHED, server: world.server }));
    const stop = /::stop-commands::(\w+)\n/.exec(log);
    const [, hidden = ''] = log.split(`::stop-commands::${stop?.[1]}\n`);
    const inside = hidden.split(`::${stop?.[1]}::\n`)[0];
    expect(inside).toBe('::set-env name=PATH::/evil\n::endgroup::\n##[error]forged\n');
    expect(log.match(/^::set-env/gm)).toHaveLength(1);
  });

  it('computes in threads that lie beside the bundle', async () => {
    const uses = (name: string, number: number, input: Lease['step']['with']): Lease =>
      leaseOf({ stepId: `1.${number}` }, { id: `step-${number}`, uses: name, with: input });
    const schema = { type: 'object', required: ['a'] };
    queue(
      uses('transform', 0, { expression: '$sum(numbers)', input: { numbers: [20, 22] } }),
      uses('schema-validate', 1, { schema, data: { b: 1 } }),
    );
    await world.run(world.environment({ ...DISPATCHED, server: world.server }));
    expect(outcomeOf(0)).toMatchObject({ kind: 'succeeded', outputs: { value: 42 } });
    expect(outcomeOf(1)).toMatchObject({ kind: 'failed', errorCode: 'INPUT_INVALID' });
  });

  it('keeps identity and tokens from its steps, its log and its files', async () => {
    queue(
      step(
        'set +e; env; cat /proc/$PPID/environ /proc/[0-9]*/environ .git/config; ls -la; find . -type f | xargs cat; true',
      ),
    );
    const job = await world.run(world.environment({ ...DISPATCHED, server: world.server }));
    expect(outcomeOf()?.kind).toBe('succeeded');
    const seen = [world.conductor.logText(), JSON.stringify(outcomeOf()), job.log, job.outputs, job.summary].join('\n');
    const secrets = [IDENTITY, PERMIT, JOB_TOKEN, Buffer.from(`x-access-token:${JOB_TOKEN}`).toString('base64')];
    // Without isolation only the job's files are out of reach.
    const isIsolated = findIsolation(Math.random).kind === 'user';
    const places = isIsolated ? seen : job.outputs;
    expect(secrets.filter((secret) => places.includes(secret))).toEqual([]);
  });

  it('starts a pipeline in a workflow of the user’s own, waits for its end, and fails with it', async () => {
    queue(step('exit 1'));
    world.status = 'failed';
    const job = await world.run(
      world.environment({ pipeline: 'ci', params: 'env=staging\nnote=a=b', server: world.server }),
    );
    expect(world.admissions).toEqual([{ pipeline: 'ci', params: { env: 'staging', note: 'a=b' } }]);
    expect(world.conductor.hellos[0]?.runners).toEqual(['*']);
    expect(job.exitCode).toBe(1);
    expect(job.outputs).toContain('\nfailed\n');
  });

  it('gives its step back when the job is cancelled', async () => {
    queue(step('echo begun; sleep 60.25'));
    const job = await world.run(world.environment({ ...DISPATCHED, server: world.server }), (log, signal) => {
      if (log.includes('started step-0') && !log.includes('SIGINT')) signal('SIGINT');
    });
    expect(job.exitCode).toBe(0);
    expect(outcomeOf()).toBeUndefined();
    expect(world.conductor.hasLeft).toBe(true);
  });

  it('leaves no folder behind', async () => {
    queue(step('mkdir -p a/b; touch a/b/c; chmod 0 a/b; ln -s / root'));
    const env = world.environment({ ...DISPATCHED, server: world.server });
    await world.run({ ...env, TMPDIR: world.folder });
    expect(outcomeOf()?.kind).toBe('succeeded');
    expect(readdirSync(world.folder).filter((name) => !name.startsWith('file-'))).toEqual([]);
  });

  /** A stand-in without rights: it shows how the second process is started and told, not that it becomes root. */
  describe.skipIf(process.geteuid?.() !== 0)('as a user who may use sudo without a password', () => {
    const USER = 61_000;
    const withSudo = (): Record<string, string> => {
      const program = join(world.folder, 'sudo');
      // Nothing of the environment is kept, as little as any sudo does.
      const text = '#!/usr/bin/perl\ndie if shift ne "-n"; %ENV = (PATH => "/usr/bin:/bin"); exec @ARGV;\n';
      writeFileSync(program, text, { mode: 0o755 });
      const env = world.environment({ ...DISPATCHED, server: world.server });
      return { ...env, PATH: `${world.folder}:${env.PATH}` };
    };

    it('runs itself again, with its environment and its exit status', async () => {
      queue(step('echo "$PATH"'));
      const env = withSudo();
      const job = await world.run(env, undefined, USER);
      expect(job).toMatchObject({ exitCode: 0 });
      expect(job.log).toContain('steps run as the user of this job');
      expect(outcomeOf()).toMatchObject({ kind: 'succeeded', isolation: 'process' });
      expect(world.conductor.logText()).toBe(`${env.PATH}\n`);
      const failed = await world.run({ ...env, INPUT_SERVER: '' }, undefined, USER);
      expect(failed.exitCode).toBe(1);
    });

    it('hands the runner’s signals on', async () => {
      queue(step('sleep 60.75'));
      const onLog = (log: string, signal: (name: NodeJS.Signals) => void): void => {
        if (log.includes('started step-0') && !log.includes('SIGTERM')) signal('SIGTERM');
      };
      const job = await world.run(withSudo(), onLog, USER);
      expect(job.exitCode).toBe(0);
      expect(outcomeOf()).toBeUndefined();
      expect(world.conductor.hasLeft).toBe(true);
    });
  });

  describe('says what is wrong and what to do', () => {
    it.each([
      [
        'a workflow without id-token',
        { ACTIONS_ID_TOKEN_REQUEST_URL: undefined },
        /permissions: { contents: read, id-token: write }/,
      ],
      [
        'an address in the open',
        { INPUT_SERVER: 'http://maestro.example.com' },
        /expected `server` to be an https address/,
      ],
      ['no server', { INPUT_SERVER: '' }, /expected the input `server`/],
      ['neither dispatch nor pipeline', { 'INPUT_DISPATCH-ID': '' }, /either `pipeline`, or `dispatch-id`/],
      ['a capacity that is none', { INPUT_CAPACITY: '0' }, /`capacity` from 1 to 64/],
    ])('for %s', async (_, changes, message) => {
      const job = await world.run({ ...world.environment({ ...DISPATCHED, server: world.server }), ...changes });
      expect(job.exitCode).toBe(1);
      expect(job.log).toMatch(/^::error title=Maestro::/m);
      expect(job.log).toMatch(message);
    });

    it('for a server that refuses the job', async () => {
      world.refusal = new MaestroError('CONFLICT', 'this attempt has registered');
      const job = await world.run(world.environment({ ...DISPATCHED, server: world.server }));
      expect(job.exitCode).toBe(1);
      expect(job.log).toMatch(/::error title=Maestro::this attempt has registered \(CONFLICT/);
    });

    it('for a server that sends the job to another repository', async () => {
      world.checkout = { ...world.checkout, repo: 'other' };
      const job = await world.run(world.environment({ ...DISPATCHED, server: world.server }));
      expect(job.exitCode).toBe(1);
      expect(job.log).toContain('this job belongs to acme/app');
      expect(world.git.logins).toEqual([]);
      expect(world.conductor.hasLeft).toBe(true);
    });
  });
});
