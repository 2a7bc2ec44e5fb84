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
  const unlessDead = async <R>(act: () => Promise<R>): Promise<R> => {
    if (left > 0) left--;
    return left === 0 ? new Promise<R>(() => {}) : act();
  };
  const mortal: ReportBook = {
    ...book,
    renew: (due, untilMs) => unlessDead(() => book.renew(due, untilMs)),
    record: (due, written) => unlessDead(() => book.record(due, written)),
  };
  return { book: mortal, isDead: () => left === 0 };
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

  /** All that a reader sees, and how often it was made. */
  const seen = async (): Promise<object> => ({
    pages: (await world.releases()).map(({ draft, tag_name, assets, body }) => ({
      draft,
      tag: tag_name,
      files: assets.map(({ name, state, digest }) => `${name} ${state} ${digest}`).toSorted(),
      sections: body?.match(/maestro:release r1/g)?.length,
    })),
    check: await world.check(),
  });
  const whole = (): object => ({
    pages: [
      {
        draft: false,
        tag: TAG,
        files: [...world.evidence.files].map(([name, text]) => `${name} uploaded ${digestBytes(text)}`).toSorted(),
        sections: 1,
      },
    ],
    check: `success: ${TAG} is released`,
  });

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
      expect(await seen()).toEqual(whole());
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
    expect(await seen()).toEqual(whole());
  });

  it.each([
    ['limited', { type: 'secondary-limit', retryAfterSeconds: 60 }],
    ['broken', { type: 'status', status: 502 }],
  ] as const)('is whole where GitHub is %s for a while', async (_, answer) => {
    world = await openReleasingWorld(at);
    world.sandbox.misbehave({ kind: 'answer', call: /(POST|PATCH) .*\/releases/, answer, times: 4 });
    await world.release();
    await world.turns(6);
    expect(await seen()).toEqual(whole());
  });
});

async function untilDead(isDead: () => boolean): Promise<void> {
  while (!isDead()) await new Promise((resolve) => setTimeout(resolve, 5));
}
