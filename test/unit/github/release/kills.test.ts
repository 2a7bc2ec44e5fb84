import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { digestBytes } from '../../../../src/base/digest.ts';
import type { ReportBook } from '../../../../src/protocol/report-book.ts';
import { Reporting } from '../report/reporting.ts';
import { openReleasingWorld, type ReleasingWorld, TAG } from './releasing-world.ts';

/** A claim of whoever died is given to the next one after it. */
const CLAIM_MS = 120_000;
/** Twice as many as a release of three files has writes, each of which is renewed before and recorded after. */
const POINTS_MAX = 20;

/**
 * A process that dies: at the n-th word to its book it is gone, and with it all that it would have said or asked after that. What it
 * asked of GitHub before that was done.
 */
function dying(book: ReportBook, point: number): { readonly book: ReportBook; readonly isDead: () => boolean } {
  let left = point;
  const mortal =
    <A extends readonly unknown[], R>(act: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      if (left > 0) left--;
      if (left === 0) return new Promise<R>(() => {});
      return act(...args);
    };
  return { book: { ...book, renew: mortal(book.renew), record: mortal(book.record) }, isDead: () => left === 0 };
}

describe('a release whose server is killed', () => {
  let at: Reporting;
  let world: ReleasingWorld;
  beforeAll(async () => {
    at = await Reporting.open();
  });
  afterAll(() => at.close());
  afterEach(async () => {
    await world.close();
    await at.empty();
  });

  const whole = async (): Promise<void> => {
    const releases = await world.releases();
    expect(releases).toHaveLength(1);
    expect(releases[0]).toMatchObject({ draft: false, tag_name: TAG });
    expect(releases[0]?.assets.map(({ name, state, digest }) => [name, state, digest]).toSorted()).toEqual(
      [...world.evidence.files].map(([name, text]) => [name, 'uploaded', digestBytes(text)]).toSorted(),
    );
    expect(releases[0]?.body?.match(/maestro:release r1/g)).toHaveLength(1);
    expect(await world.check()).toBe(`success: ${TAG} is released`);
  };

  it('at each of its points is one release with everything, published once it was whole', {
    timeout: 240_000,
  }, async () => {
    let [points, isOver] = [0, false];
    world = await openReleasingWorld(at);
    for (let point = 1; !isOver && point <= POINTS_MAX; point++) {
      if (point > 1) {
        await world.close();
        await at.empty();
        world = await openReleasingWorld(at);
      }
      await world.show('r1', { status: 'running' });
      const { book, isDead } = dying(at.board, point);
      const life = async (): Promise<void> => {
        const reporter = world.reporter({ book });
        for (const status of ['running', 'succeeded', 'succeeded'] as const) {
          if (status === 'succeeded') await world.show('r1', { status });
          await Promise.race([reporter.turn(), untilDead(isDead)]);
          at.clock.ms += 10_000;
        }
      };
      await life();
      isOver = !isDead();
      points = point;
      await world.show('r1', { status: 'succeeded' });
      at.clock.ms += CLAIM_MS;
      await world.turns(3);
      await whole();
      const published = world.sandbox
        .deliveries()
        .filter(({ event, payload }) => event === 'release' && payload['action'] === 'published');
      expect(published.length).toBeLessThanOrEqual(1);
    }
    // Draft, three files, publication and checks: each before and after its request.
    expect(isOver).toBe(true);
    expect(points).toBeGreaterThan(10);
  });

  it.each([
    ['made', /^POST \/repos\/octo\/app\/releases$/],
    ['filled', /^POST .*\/assets/],
    ['published', /^PATCH .*\/releases\/\d+$/],
  ])('is whole where the answer that it was %s is lost', async (_, call) => {
    world = await openReleasingWorld(at);
    world.sandbox.misbehave({ kind: 'answer', call, answer: { type: 'lost-answer' }, times: 1 });
    await world.release();
    await world.turns(2);
    await whole();
  });

  it.each([
    ['limited', { type: 'secondary-limit', retryAfterSeconds: 60 }],
    ['broken', { type: 'status', status: 502 }],
  ] as const)('is whole where GitHub is %s for a while', async (_, answer) => {
    world = await openReleasingWorld(at);
    world.sandbox.misbehave({ kind: 'answer', call: /(POST|PATCH) .*\/releases/, answer, times: 4 });
    await world.release();
    await world.turns(6);
    await whole();
  });
});

async function untilDead(isDead: () => boolean): Promise<void> {
  while (!isDead()) await new Promise((resolve) => setTimeout(resolve, 5));
}
