import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PlanStep } from '../../../src/pipeline/plan.ts';
import type { Outcome } from '../../../src/protocol/outcome.ts';
import { findIsolation, PROCESS_ISOLATION, type StepIsolation } from '../../../src/worker/isolation.ts';

const WORKER = resolve(import.meta.dirname, 'isolated-worker.ts');
/** Stands for the job's identity: it must turn up nowhere that a step can write. */
const CANARY = 'canary-9f2c6d71b3';

interface Attacked {
  readonly isolation: StepIsolation;
  readonly outcome: Outcome;
  readonly log: string;
  readonly blobs: readonly string[];
  readonly ownEnvironment: string;
}

const best = findIsolation(Math.random);
const suite = best.kind === 'user' ? describe : describe.skip;

suite(best.kind === 'user' ? 'steps of another user' : 'steps of another user (needs root and setpriv)', () => {
  /** As a runner lays it out: readable folders, files of the job that belong to the runner's user. */
  let job = '';
  let jobFiles: readonly string[] = [];

  beforeAll(() => {
    job = mkdtempSync(join(tmpdir(), 'maestro-job-'));
    chmodSync(job, 0o755);
    mkdirSync(join(job, 'commands'), { mode: 0o755 });
    jobFiles = ['GITHUB_ENV', 'GITHUB_PATH', 'GITHUB_OUTPUT', 'GITHUB_STATE', 'GITHUB_STEP_SUMMARY'].map((name) => {
      const path = join(job, 'commands', name);
      writeFileSync(path, '', { mode: 0o644 });
      return path;
    });
    writeFileSync(join(job, '.credentials'), CANARY, { mode: 0o600 });
  });
  afterAll(() => rmSync(job, { recursive: true, force: true }));

  function attack(run: string, step: Partial<PlanStep> & { readonly isShared?: true } = {}): Attacked {
    const jobVariables = Object.fromEntries(jobFiles.map((path) => [path.split('/').at(-1) ?? '', path]));
    const worker = spawnSync(process.execPath, [WORKER], {
      input: JSON.stringify({ with: { run }, ...step, env: { JOB_FOLDER: job, ...step.env } }),
      env: {
        PATH: process.env.PATH,
        ACTIONS_ID_TOKEN_REQUEST_URL: `http://127.0.0.1:1/${CANARY}`,
        ACTIONS_ID_TOKEN_REQUEST_TOKEN: CANARY,
        INPUT_TOKEN: CANARY,
        ...jobVariables,
      },
      encoding: 'utf8',
      timeout: 60_000,
    });
    expect(worker.stderr).toBe('');
    return JSON.parse(worker.stdout) as Attacked;
  }

  it('cannot read, trace, stop or kill the worker, nor anything of the job', () => {
    const { outcome, log, blobs, isolation } = attack(`
      worker=$PPID
      set +e
      echo "begun by $(id -u)"
      cat /proc/$worker/environ /proc/$worker/mem /proc/$worker/maps /proc/$worker/fd/* /proc/$worker/task/*/environ
      ls -l /proc/$worker/fd /proc/$worker/cwd /proc/$worker/root
      for one in /proc/[0-9]*; do cat $one/environ $one/cmdline; done 2>/dev/null | tr '\\0' '\\n'
      cat "$JOB_FOLDER/.credentials" "$JOB_FOLDER"/commands/*
      find / -xdev -name '.credentials*' -exec cat {} + 2>/dev/null
      env
      echo ACTIONS=$ACTIONS_ID_TOKEN_REQUEST_URL
      python3 - $worker <<'END'
import ctypes, sys
libc = ctypes.CDLL(None, use_errno=True)
print('attach', libc.ptrace(16, int(sys.argv[1]), 0, 0), 'seize', libc.ptrace(0x4206, int(sys.argv[1]), 0, 0))
END
      for file in "$JOB_FOLDER"/commands/*; do echo 'INJECTED=1' >> $file; done
      sudo -n cat /proc/$worker/environ; su -c "cat /proc/$worker/environ" </dev/null
      unshare --user --map-root-user cat /proc/$worker/environ
      kill -STOP $worker; kill -KILL $worker
      echo "done"
      true`);
    expect(isolation.kind).toBe('user');
    expect(outcome).toMatchObject({ kind: 'succeeded', isolation: 'user' });
    expect(log).toMatch(/begun by 6[1-5]\d{3}\n/);
    expect(log).toContain('done');
    expect(log).not.toContain('attach 0');
    expect(log).not.toContain('seize 0');
    expect([log, JSON.stringify(outcome), ...blobs].join('\n')).not.toContain(CANARY);
    expect(jobFiles.map((path) => readFileSync(path, 'utf8')).join('')).toBe('');
  });

  it('get no more from the worker through a link, because it opens what they could open themselves', () => {
    const { outcome, blobs, ownEnvironment } = attack(
      'ln -s /proc/$PPID/environ leak; ln -s "$JOB_FOLDER/.credentials" other; cp /etc/hostname fine',
      { artifacts: [{ name: 'all', path: '*', isRequired: false }] },
    );
    expect(outcome.kind).toBe('succeeded');
    expect(outcome.artifacts?.map(({ path }) => path)).toEqual(['fine']);
    expect(blobs.join('\n')).not.toContain(CANARY);
    expect(ownEnvironment).toBe('EACCES');
  });

  it('would get it all as the same user, so the attacks above are real', () => {
    const { outcome, log } = attack('cat /proc/$PPID/environ "$JOB_FOLDER/.credentials"', { isShared: true });
    expect(outcome.isolation).toBe('process');
    expect(log.split(CANARY).length).toBeGreaterThan(3);
  });

  it('have their environment whole, while nothing of it reaches a program of root', () => {
    const value = `it's "quoted" $HOME \`id\`\nsecond line \\ %s`;
    const loaded = mkdtempSync(join(tmpdir(), 'maestro-loaded-'));
    chmodSync(loaded, 0o777);
    const { outcome, log } = attack('printf "%s|" "$ODD"; touch "$HOME/mine" "$MAESTRO_TEMP/mine" here', {
      // The loader of every program that sees these writes a file, as the user that the program runs as.
      env: { ODD: value, LD_DEBUG: 'libs', LD_DEBUG_OUTPUT: join(loaded, 'program') },
    });
    const owners = readdirSync(loaded).map((name) => statSync(join(loaded, name)).uid);
    rmSync(loaded, { recursive: true });
    expect(outcome.kind).toBe('succeeded');
    expect(log).toContain(`${value}|`);
    expect(owners.length).toBeGreaterThan(0);
    expect(owners).not.toContain(0);
  });

  it('leave no process behind, also one that left its session', () => {
    const { outcome } = attack('setsid sleep 61.5 & sleep 61.5 & true');
    expect(outcome.kind).toBe('succeeded');
    const left = spawnSync('pgrep', ['-f', 'sleep 61.5'], { encoding: 'utf8' });
    expect(left.stdout).toBe('');
  });

  it('cannot win rights: no capability, no group, no new privileges', () => {
    const { log } = attack("grep -E '^(Groups|CapEff|CapPrm|CapBnd|NoNewPrivs|Uid)' /proc/self/status");
    expect(log).toMatch(/Groups:\s*\n/);
    expect(log).toMatch(/CapPrm:\s0+\nCapEff:\s0+\nCapBnd:\s0+\nNoNewPrivs:\s1/);
    expect(log).not.toMatch(/Uid:.*\b0\b/);
  });
});

describe('the choice of isolation', () => {
  it('is the best that the machine allows', () => {
    expect(best.kind).toBe(process.geteuid?.() === 0 ? best.kind : 'process');
    expect(PROCESS_ISOLATION.kind).toBe('process');
  });
});
