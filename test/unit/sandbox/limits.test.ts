import { request } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import type { Limits, SandboxOptions } from '../../../sandbox/sandbox.ts';
import { openStage, openTopic, type Stage } from './client.ts';

const CHECKS = '/repos/acme/app/check-runs';
const DISPATCHES = '/repos/acme/app/actions/workflows/work.yml/dispatches';
/** For those who look at another limit. */
const NO_RATES = { callsPerHour: 1e6, contentWritesPerMinute: 1e6, contentWritesPerHour: 1e6, pointsPerMinute: 1e6 };
const ASSET_BYTES_MAX = 2 * 1024 * 1024 * 1024;
const WORKFLOW_BYTES_MAX = 500 * 1024;

let stage: Stage;
let nowMs = 0;

/** What one call is answered, as large as it may be or larger by one. */
type Attempt = (excess: 0 | 1) => Promise<number>;

const app = async (method: string, path: string, body: object): Promise<number> =>
  (await stage.call(await stage.token(), method, path, body)).status;

const check = async (body: object): Promise<number> =>
  await app('POST', CHECKS, { name: 'x', head_sha: await stage.sha(), conclusion: 'success', ...body });

const annotation = async (fields: object): Promise<number> => {
  const whole = { path: 'README.md', start_line: 1, end_line: 1, annotation_level: 'failure', message: 'x', ...fields };
  return await check({ output: { title: 't', summary: 's', annotations: [whole] } });
};

const button = async (fields: object): Promise<number> =>
  await check({ actions: [{ label: 'l', description: 'd', identifier: 'i', ...fields }] });

/** A dispatch of a workflow with so many inputs that all are strings of one letter. */
const dispatchOf = async (count: number): Promise<number> =>
  await app('POST', DISPATCHES, {
    ref: 'main',
    inputs: Object.fromEntries(Array.from({ length: count }, (_, index) => [`i${index}`, 'x'])),
  });

const workflowWith = (inputs: number): Readonly<Record<string, string>> => ({
  '.github/workflows/work.yml': `on:\n  workflow_dispatch:\n    inputs:\n${Array.from(
    { length: inputs },
    (_, index) => `      i${index}: { type: string }\n`,
  ).join('')}jobs:\n  work:\n    runs-on: [self-hosted]\n    steps: [{ run: "true" }]\n`,
});

/** Two bytes of a JSON text are its braces; a name, quotes and colon are five more. */
const inputsOf = (characters: number): object => ({ ref: 'main', inputs: { i0: 'x'.repeat(characters - 9) } });

const workflowOf = (bytes: number): Readonly<Record<string, string>> => {
  const text = workflowWith(1)['.github/workflows/work.yml'] ?? '';
  return { '.github/workflows/work.yml': `${text}#${'x'.repeat(bytes - text.length - 1)}` };
};

const comment: Attempt = async (excess) => {
  await openTopic(stage);
  return await app('POST', '/repos/acme/app/issues/1/comments', { body: 'x'.repeat(65_536 + excess) });
};

/** A status too many of one commit and context. */
const status: Attempt = async (excess) => {
  const path = `/repos/acme/app/statuses/${await stage.sha()}`;
  const token = await stage.token();
  const say = async (): Promise<number> => (await stage.call(token, 'POST', path, { state: 'success' })).status;
  for (let count = 1; count < 1000 + excess; count += 1) await say();
  return await say();
};

/** The first run is no re-run. Nobody runs its job, so it is cancelled each time. */
const rerun: Attempt = async (excess) => {
  const { token } = stage.ada;
  const { body } = await stage.call(token, 'POST', DISPATCHES, { ref: 'main', return_run_details: true });
  const path = `/repos/acme/app/actions/runs/${body.workflow_run_id}`;
  const again = async (): Promise<number> => {
    await stage.call(token, 'POST', `${path}/cancel`);
    return (await stage.call(token, 'POST', `${path}/rerun`)).status;
  };
  for (let count = 1; count < 50 + excess; count += 1) await again();
  return await again();
};

/** Says how long an asset is and sends nothing of it. */
async function announceAsset(bytes: number): Promise<number> {
  const { body } = await stage.call(stage.ada.token, 'POST', '/repos/acme/app/releases', { tag_name: 'v1' });
  return await new Promise((resolve, reject) => {
    const upload = request(body.upload_url.replace(/\{.*/, '?name=big'), {
      method: 'POST',
      headers: { authorization: `Bearer ${stage.ada.token}`, 'content-length': String(bytes) },
    });
    upload.on('response', (answer) => {
      resolve(answer.statusCode ?? 0);
      upload.destroy();
    });
    upload.on('error', reject);
    upload.flushHeaders();
  });
}

interface Case {
  readonly limit: string;
  readonly attempt: Attempt;
  /** What the largest that fits, and one more, are answered. */
  readonly answers: readonly [number, number];
  readonly options?: SandboxOptions;
  readonly files?: (excess: 0 | 1) => Readonly<Record<string, string>>;
}

const CASES: readonly Case[] = [
  {
    limit: 'an annotation of 64 KB',
    attempt: async (excess) => await annotation({ message: 'x'.repeat(64 * 1024 + excess) }),
    answers: [201, 422],
  },
  {
    limit: 'an annotation of 64 KB in letters of two bytes',
    attempt: async (excess) => await annotation({ message: `${'ä'.repeat(32 * 1024)}${'x'.repeat(excess)}` }),
    answers: [201, 422],
  },
  {
    limit: 'the title of an annotation',
    attempt: async (excess) => await annotation({ title: 'x'.repeat(255 + excess) }),
    answers: [201, 422],
  },
  {
    limit: 'the label of a button',
    attempt: async (excess) => await button({ label: 'x'.repeat(20 + excess) }),
    answers: [201, 422],
  },
  {
    limit: 'the identifier of a button',
    attempt: async (excess) => await button({ identifier: 'x'.repeat(20 + excess) }),
    answers: [201, 422],
  },
  {
    limit: 'the description of a button',
    attempt: async (excess) => await button({ description: 'x'.repeat(40 + excess) }),
    answers: [201, 422],
  },
  { limit: 'a comment', attempt: comment, answers: [201, 422] },
  { limit: '1,000 statuses of a commit and context', attempt: status, answers: [201, 422] },
  { limit: '50 re-runs', attempt: rerun, answers: [201, 403], files: () => workflowWith(0) },
  {
    limit: '25 inputs',
    attempt: async (excess) => await dispatchOf(25 + excess),
    answers: [204, 422],
    files: () => workflowWith(25),
  },
  {
    limit: 'a workflow that declares 25 inputs',
    attempt: async () => await dispatchOf(1),
    answers: [204, 422],
    files: (excess) => workflowWith(25 + excess),
  },
  {
    limit: '10 inputs on an older enterprise server',
    attempt: async () => await dispatchOf(1),
    answers: [204, 422],
    options: { isEnterprise: true },
    files: (excess) => workflowWith(10 + excess),
  },
  {
    limit: '65,535 characters of inputs',
    attempt: async (excess) => await app('POST', DISPATCHES, inputsOf(65_535 + excess)),
    answers: [204, 422],
    files: () => workflowWith(1),
  },
  {
    limit: 'a workflow file of 500 KB',
    attempt: async () => await dispatchOf(1),
    answers: [204, 404],
    files: (excess) => workflowOf(WORKFLOW_BYTES_MAX + excess),
  },
];

describe('a limit of GitHub’s in the sandbox', () => {
  afterEach(async () => await stage.close());

  it.each(CASES)(
    'is $limit: that much is taken, and one more refused',
    async ({ attempt, answers, options, files }) => {
      const found = [];
      for (const excess of [0, 1] as const) {
        stage = await openStage({ limits: NO_RATES, ...options }, files?.(excess) ?? {});
        found.push(await attempt(excess));
        if (excess === 0) await stage.close();
      }
      expect(found).toEqual(answers);
    },
  );

  it('is an asset of 2 GB, refused by its length before a byte of it came', async () => {
    stage = await openStage();
    expect(await announceAsset(ASSET_BYTES_MAX)).toBe(422);
  });
});

interface Rate {
  readonly rate: string;
  /** The others are out of the way. */
  readonly others: Partial<Limits>;
  readonly method: 'GET' | 'POST';
  readonly calls: number;
  /** Between two calls, so that limits of a minute are no matter where hours count. */
  readonly pauseMs: number;
  readonly retryAfter: string;
}

const RATES: readonly Rate[] = [
  {
    rate: '500 writes in an hour',
    others: { pointsPerMinute: 1e6 },
    method: 'POST',
    calls: 500,
    pauseMs: 1000,
    retryAfter: '3600',
  },
  { rate: '900 points in a minute by reads', others: {}, method: 'GET', calls: 900, pauseMs: 0, retryAfter: '60' },
  {
    rate: '900 points in a minute by writes, of five each',
    others: { contentWritesPerMinute: 1e6, contentWritesPerHour: 1e6 },
    method: 'POST',
    calls: 180,
    pauseMs: 0,
    retryAfter: '60',
  },
];

describe('a rate of GitHub’s in the sandbox', () => {
  afterEach(async () => await stage.close());

  it.each(RATES)('is $rate, of one installation and not of others', async (rate) => {
    nowMs = Date.now();
    stage = await openStage({ nowMs: () => nowMs, limits: rate.others });
    const sha = await stage.sha();
    const token = await stage.token();
    const path = rate.method === 'GET' ? '/repos/acme/app' : `/repos/acme/app/statuses/${sha}`;
    const call = async (who: string): ReturnType<Stage['call']> =>
      await stage.call(who, rate.method, path, rate.method === 'GET' ? undefined : { state: 'success' });
    const answers = [];
    for (let count = 0; count <= rate.calls; count += 1) {
      answers.push(await call(token));
      nowMs += rate.pauseMs;
    }
    const refused = answers.findIndex(({ status: found }) => found === 403);
    expect(refused).toBe(rate.calls);
    expect(answers[refused]?.body.message).toContain('secondary rate limit');
    expect(answers[refused]?.headers.get('retry-after')).toBe(rate.retryAfter);
    expect((await call(stage.ada.token)).status).toBeLessThan(300);
  });

  it('is 100 calls at once', async () => {
    stage = await openStage({ limits: NO_RATES });
    const token = await stage.token();
    const body = { name: 'x', head_sha: await stage.sha(), conclusion: 'success' };
    const push = holdChanges();
    await push.isHeld;
    const statuses: number[] = [];
    const calls = Array.from({ length: 101 }, async () => {
      const { status: found } = await stage.call(token, 'POST', CHECKS, body);
      statuses.push(found);
    });
    await Promise.race(calls);
    expect(statuses).toEqual([403]);
    push.end();
    await Promise.all(calls);
    expect(statuses.filter((found) => found === 201)).toHaveLength(100);
  });
});

/** A push that does not end: changes wait for each other, so no other one is made meanwhile. */
function holdChanges(): { readonly isHeld: Promise<void>; readonly end: () => void } {
  const push = request(`${stage.sandbox.url}/acme/app.git/git-receive-pack`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${stage.ada.token}`,
      'content-type': 'application/x-git-receive-pack-request',
      expect: '100-continue',
    },
  });
  push.on('error', () => undefined);
  push.on('response', (answer) => answer.resume());
  push.flushHeaders();
  // The server says so in the moment in which it begins with the push.
  const isHeld = new Promise<void>((resolve) => {
    push.once('continue', () => resolve());
  });
  return { isHeld, end: () => push.destroy() };
}
