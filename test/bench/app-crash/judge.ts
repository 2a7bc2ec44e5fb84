import { readConfig } from '../../../app/config.ts';
import type { Stage } from '../../../app/demo/stage.ts';
import { openDatabase } from '../../../app/open-database.ts';
import { openLocal } from '../../../app/wire.ts';
import type { RunEvent } from '../../../src/protocol/event.ts';
import { isRunFinal } from '../../../src/protocol/run.ts';
import { verifyReceipt } from '../../../src/provenance/verify.ts';
import { openInbox } from '../../../src/store/inbox.ts';
import { allChecks } from './ending.ts';

const RUNS_MAX = 100;
const EVENTS_MS_MAX = 10_000;

/** Each must answer 0 once the server is done: what is not done, in words. */
const OPEN: Readonly<Record<string, string>> = {
  'deliveries in the inbox': 'select count(*) from delivery where state <> 2',
  'reports that are due': 'select count(*) from report where is_due',
  'reports that were given up': 'select count(*) from report where problem is not null',
  'jobs that are not over': 'select count(*) from dispatch where status < 3',
  'comments without an answer': 'select count(*) from command_request where done_at is null',
  'runs that are reported': 'select count(*) from github_run where closed_at is null',
  'entries of the outbox': 'select count(*) from outbox',
  'steps in the queue': 'select count(*) from ready',
};
/** Each must answer 0 always. */
const NEVER: Readonly<Record<string, string>> = {
  'runs started twice for one commit, pipeline and occasion':
    'select count(*) from (select 1 from github_run group by repository_id, head_sha, pipeline_path, occasion having count(*) > 1) t',
};

/** What the stopped server still has to do, in words. */
export function openWork(stage: Stage): Promise<readonly string[]> {
  return counted(stage, OPEN);
}

async function counted(
  { setting, output, sandbox }: Stage,
  questions: Readonly<Record<string, string>>,
): Promise<readonly string[]> {
  const db = await openDatabase(readConfig(setting.env, output));
  try {
    // One whose 202 was lost with the server is in the inbox, and failed only in GitHub's eyes.
    const missing = await openInbox(db).missing([...new Set(sandbox.deliveries().map(({ guid }) => guid))]);
    const found: string[] = missing.length > 0 ? [`${missing.length} webhooks that never came in`] : [];
    for (const [what, sql] of Object.entries(questions)) {
      const [row] = await db.query(`judge ${what}`.slice(0, 60), sql, []);
      if (Number(row?.[0]) > 0) found.push(`${Number(row?.[0])} ${what}`);
    }
    return found;
  } finally {
    await db.close();
  }
}

export interface Verdict {
  readonly faults: readonly string[];
  readonly runs: number;
  /** Attempts that were made good by another. */
  readonly stepsRepeated: number;
}

/** Holds a stopped server's state, and what it wrote, to what must be so in any story. */
export async function judge(stage: Stage, shas: readonly string[]): Promise<Verdict> {
  const faults = [
    ...(await counted(stage, { ...OPEN, ...NEVER })),
    ...(await twiceOnGitHub(stage, shas)),
    ...stage.sandbox.violations().map((violation) => `violation: ${JSON.stringify(violation)}`),
  ];
  const maestro = await openLocal(readConfig(stage.setting.env, stage.output), {});
  try {
    const runs = await maestro.client.listRuns(RUNS_MAX);
    let stepsRepeated = 0;
    for (const { id } of runs) {
      const view = await maestro.client.readRun(id);
      const events: RunEvent[] = [];
      for await (const event of maestro.client.followRun(id, 0, AbortSignal.timeout(EVENTS_MS_MAX))) events.push(event);
      if (!isRunFinal(view.status)) faults.push(`run ${id} of ${view.pipeline} is ${view.status}`);
      else faults.push(...(await receiptFaults(maestro.client, id)));
      const begun = events.filter(({ type }) => type === 'step.started').map(({ step }) => String(step));
      const ended = events.filter(({ type }) => type === 'step.succeeded').map(({ step }) => String(step));
      stepsRepeated += repeated(begun).length;
      faults.push(...repeated(ended).map((step) => `${view.pipeline}/${step} succeeded twice`));
      const lost = new Set(events.filter(wasInFlight).map(({ step }) => step));
      const unexcused = repeated(begun).filter((step) => !lost.has(step));
      faults.push(...unexcused.map((step) => `${view.pipeline}/${step} began twice and was not lost`));
    }
    return { faults, runs: runs.length, stepsRepeated };
  } finally {
    await maestro.close();
  }
}

/** With the process its worker's call was lost, or the worker itself. */
function wasInFlight({ type, data }: RunEvent): boolean {
  return type === 'step.lost' || (type === 'step.retried' && data?.class === 'infra');
}

type Receipts = Pick<Awaited<ReturnType<typeof openLocal>>['client'], 'readReceipt'>;

async function receiptFaults(client: Receipts, run: string): Promise<readonly string[]> {
  try {
    const { bundle, publicKey, runRecord } = await client.readReceipt(run);
    // Throws where it does not hold.
    verifyReceipt({ bundle: Buffer.from(bundle), key: publicKey, runRecord: Buffer.from(runRecord) });
    return [];
  } catch (error) {
    return [`the receipt of ${run}: ${error instanceof Error ? error.message : String(error)}`];
  }
}

async function twiceOnGitHub(stage: Stage, shas: readonly string[]): Promise<readonly string[]> {
  const faults: string[] = [];
  for (const [i, sha] of shas.entries()) {
    const names = (await allChecks(stage, sha)).map(({ name, external_id }) => `${name} (${external_id})`);
    faults.push(...repeated(names).map((name) => `commit ${i} has the check ${name} twice`));
  }
  const { ada, repository } = stage;
  const { data: pulls } = await ada.octokit.rest.pulls.list({ ...repository, state: 'all' });
  for (const { number } of pulls) {
    const { data } = await ada.octokit.rest.issues.listComments({ ...repository, issue_number: number, per_page: 100 });
    const marks = data.flatMap(({ body }) => /<!-- maestro:[^>]* -->/.exec(body ?? '')?.[0] ?? []);
    faults.push(...repeated(marks).map((mark) => `pull request ${number} has ${mark} twice`));
  }
  return faults;
}

function repeated(items: readonly string[]): readonly string[] {
  return [...new Set(items.filter((item, at) => items.indexOf(item) !== at))];
}
