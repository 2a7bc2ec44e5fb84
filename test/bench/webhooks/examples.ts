import { setTimeout as pause } from 'node:timers/promises';
import type { JsonObject } from '../../../src/base/json.ts';
import type { Database } from '../../../src/store/database.ts';
import { percentile } from '../statistics.ts';
import { type Effects, effectsOf, type InboxState, inboxState, openTables } from './inbox-state.ts';
import { type PartReport, spread } from './load.ts';
import type { Stage } from './stage.ts';

const ROUNDS = 3;
const PER_SECOND = 50;
const ANSWER_MS_MAX = 100;
const KINDS = ['examples', 'adapted'] as const;
const POLL_MS = 500;
const QUIET_MS = 3000;
const POLLS_MAX = 120;
/** Two rounds take so long to be dealt with, several times over. */
const EMBEDDED_REST_MS = 15_000;

interface Rest {
  readonly effects: Effects;
  readonly inbox: Readonly<Record<(typeof KINDS)[number], InboxState & JsonObject>>;
}

/**
 * Every example that GitHub publishes, as it is and adapted to repositories that exist, three times under the same delivery
 * ids: what the second and third round leave behind must be what the first one left.
 */
export async function measureExamples(stage: Stage): Promise<PartReport> {
  const answerMs: number[] = [];
  const rests: Rest[] = [];
  const statuses: Record<string, number> = {};
  for (let round = 0; round < ROUNDS; round++) {
    for (const kind of KINDS) {
      const report = await stage.send({ kind, name: kind, perSecond: PER_SECOND, count: 0, used: 0 });
      answerMs.push(...report.answerMs);
      for (const [status, count] of Object.entries(report.statuses)) statuses[status] = (statuses[status] ?? 0) + count;
    }
    rests.push(await effectsAtRest(stage));
  }
  const sent = answerMs.length;
  const sorted = answerMs.toSorted((a, b) => a - b);
  const effects = rests.map((rest) => rest.effects);
  const isOnce = effects.every((one) => isSame(one, effects[0] ?? {})) && effects[0]?.deliveries === sent / ROUNDS;
  const isDone = rests.every(({ inbox }) => KINDS.every((kind) => inbox[kind].waiting + inbox[kind].working === 0));
  return {
    isWhole: statuses['202'] === sent && isOnce && isDone,
    isWithin: (percentile(sorted, 95) ?? Number.POSITIVE_INFINITY) < ANSWER_MS_MAX,
    sent,
    rounds: ROUNDS,
    statuses,
    answer: spread(sorted, 1),
    effects: effects.map((one) => ({ ...one })),
    inbox: { ...rests.at(-1)?.inbox },
    sandbox: { ...(await stage.counts()) },
  };
}

/** Once nothing changes any more. The embedded database is its server's alone, so that is stopped meanwhile. */
async function effectsAtRest(stage: Stage): Promise<Rest> {
  if (stage.database.kind === 'pglite') {
    await pause(EMBEDDED_REST_MS);
    await stage.server.stop();
  }
  const db = await openTables(stage);
  try {
    let rest = await restOf(db);
    for (let poll = 0, quietMs = 0; poll < POLLS_MAX && quietMs < QUIET_MS; poll++) {
      await pause(POLL_MS);
      const next = await restOf(db);
      quietMs = isSame(rest, next) ? quietMs + POLL_MS : 0;
      rest = next;
    }
    return rest;
  } finally {
    await db.close();
    if (stage.database.kind === 'pglite') await stage.server.restart();
  }
}

async function restOf(db: Database): Promise<Rest> {
  const [examples, adapted] = [{ ...(await inboxState(db, 'examples')) }, { ...(await inboxState(db, 'adapted')) }];
  return { effects: await effectsOf(db, KINDS), inbox: { examples, adapted } };
}

function isSame(one: object, other: object): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
