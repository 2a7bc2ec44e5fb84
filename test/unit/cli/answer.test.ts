import { describe, expect, it } from 'vitest';
import { RUN_ID, runView, type Scene, ScriptedClient, stepView } from '../../fakes/client.ts';
import { finished, started } from './harness.ts';

const GATE_HOLD = { kind: 'gate', reason: 'needs a release manager', dueAt: null } as const;

const asked = (client: ScriptedClient): unknown => client.asked.find(([name]) => name === 'answerGate')?.[1];

describe('maestro approve, deny and revoke', () => {
  function waiting(later: readonly Scene[]): ScriptedClient {
    const steps = [
      stepView('build', [], { status: 'succeeded', attempts: 1 }),
      stepView('gate', ['build'], { kind: 'gate', status: 'held', hold: GATE_HOLD }),
    ];
    const client = new ScriptedClient(runView(steps), [], later);
    client.lines.push({ step: 'build', attempt: 1, text: 'old news' });
    return client;
  }

  it('answer the gate as this user and work the run onward', async () => {
    const client = waiting([
      { at: 10_000, fact: 'step.succeeded', step: 'gate' },
      { at: 11_000, fact: 'run.succeeded' },
    ]);
    const process = started(client);
    expect(await process.run('approve', 'latest', '--gate', 'gate', '--reason', 'fine')).toBe(0);
    expect(asked(client)).toEqual({
      runId: 'latest',
      gate: 'gate',
      decision: 'approve',
      reason: 'fine',
      principal: { provider: 'local', account: 'ana', login: 'ana', permission: 'admin', teams: [], isApp: false },
      isAuthor: false,
    });
    expect(process.out).toContain('gate succeeded');
    expect(process.out).not.toContain('old news');
  });

  it('exit with 3 where the answer was no', async () => {
    const client = waiting([{ fact: 'step.denied', step: 'gate' }, { fact: 'run.failed' }]);
    expect(await started(client).run('deny', RUN_ID)).toBe(3);
    expect(asked(client)).toMatchObject({ decision: 'deny' });
  });

  it.each([
    [['revoke', 'latest', 'gate'], 'gate'],
    [['revoke', 'latest'], undefined],
    [['approve', 'latest', 'gate'], 'gate'],
  ])('%j names the gate behind the run, or leaves it out', async (words, gate) => {
    const client = waiting([{ at: 10_000, fact: 'step.succeeded', step: 'gate' }, { fact: 'run.succeeded' }]);
    await started(client).run(...words);
    expect(asked(client)).toMatchObject({ decision: words[0] });
    expect((asked(client) as { gate?: string }).gate).toBe(gate);
  });

  it('take one gate', async () => {
    const process = started(waiting([]));
    expect(await process.run('approve', 'latest', 'gate', '--gate', 'other')).toBe(2);
    expect(process.err).toContain('error[USAGE]');
  });

  it('are refused where nothing waits', async () => {
    const process = started(finished('succeeded'));
    expect(await process.run('approve', 'latest')).toBe(2);
    expect(process.err).toContain('error[GATE_NOT_OPEN]');
  });
});
