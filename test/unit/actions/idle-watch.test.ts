import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { IdleWatch } from '../../../actions/run/idle-watch.ts';
import { watchClient } from '../../../actions/run/watched-client.ts';
import { FakeConductor } from '../../fakes/lease-client.ts';
import { leaseNumber } from '../worker/leases.ts';

const IDLE_MS = 30_000;

describe('a job that watches how long it has been idle', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  async function watched() {
    const conductor = new FakeConductor();
    const onIdle = vi.fn<() => void>();
    const watch = new IdleWatch(IDLE_MS, onIdle);
    const client = watchClient(conductor, watch);
    const leases = [leaseNumber(0), leaseNumber(1)] as const;
    conductor.queue(...leases);
    await client.acquire(1, 2, 0, new AbortController().signal);
    return { client, onIdle, leases };
  }
  const outcome = { kind: 'succeeded' } as const;

  it('waits while a step runs, and from its end on', async () => {
    const { client, onIdle, leases } = await watched();
    vi.advanceTimersByTime(2 * IDLE_MS);
    await client.complete(1, [{ ...leases[0], outcome }], 0);
    vi.advanceTimersByTime(2 * IDLE_MS);
    expect(onIdle).not.toHaveBeenCalled();
    await client.complete(1, [{ ...leases[1], outcome }], 0);
    vi.advanceTimersByTime(IDLE_MS - 1);
    expect(onIdle).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(onIdle).toHaveBeenCalledOnce();
  });

  it('does not wait for what was taken away from it', async () => {
    const { client, onIdle, leases } = await watched();
    await client.renew(1, leases);
    await client.renew(1, [leases[1]]);
    vi.advanceTimersByTime(2 * IDLE_MS);
    expect(onIdle).not.toHaveBeenCalled();
    await client.renew(1, []);
    vi.advanceTimersByTime(IDLE_MS - 1);
    await client.renew(1, []);
    vi.advanceTimersByTime(1);
    expect(onIdle).toHaveBeenCalledOnce();
  });
});
