import { type Check, checksOf, waitFor, waitForAnswer, waitForCheck, waitForComment } from './look.ts';
import type { Narrator } from './narrator.ts';
import type { Stage } from './stage.ts';

const SHIP = 'maestro / ship';
const GATE = 'maestro / ship / to-prod';
const POLICY = '.maestro/policy.yaml';
const DAY_MS = 86_400_000;
const DATE_CHARS = 10;
const POLICY_TEXT = `# Where this library goes, and who lets it.
environments:
  staging: { order: 1 }
  prod:
    order: 2
    soak: 1s
    approvals: 2
    url: https://orders.example.com/
`;

/**
 * From staging to prod: not while stock is taken, not without two people, and not by an approval of another commit. Answers
 * the id of the run that brought it there, and the commit.
 */
export async function promote(
  stage: Stage,
  narrator: Narrator,
  pull: number,
  first: string,
): Promise<{ readonly run: string; readonly sha: string }> {
  const { ada, grace, repository } = stage;
  narrator.act(
    '6  From staging to prod',
    'Policy says what may go there: what was in staging, two people who did not write it, and not now,',
    'while stock is taken. It is a file of the default branch, read anew whenever that moves.',
  );
  await grace.push(repository, 'main', {
    message: 'chore: nothing changes while stock is taken',
    files: { [POLICY]: POLICY_TEXT + stockTaking() },
  });
  narrator.say('ada              /maestro ship');
  await ada.comment(repository, pull, '/maestro ship');
  const frozen = await waitForCheck(stage, first, SHIP, 'failure');
  narrator.say(`${frozen.conclusion?.padEnd(16)} ${frozen.name}: ${frozen.title}`);
  narrator.claim(
    'a freeze window denied the promotion, and says which',
    frozen.summary.includes('stocktaking'),
    frozen,
  );

  await grace.push(repository, 'main', { message: 'chore: stock is taken', files: { [POLICY]: POLICY_TEXT } });
  narrator.say('ada              /maestro ship');
  await ada.comment(repository, pull, '/maestro ship');
  await waitsFor(stage, first, '0 of 2 approvals');
  narrator.say('grace            /maestro approve to-prod');
  await grace.comment(repository, pull, '/maestro approve to-prod');
  await waitsFor(stage, first, '1 of 2 approvals');

  const second = await ada.push(repository, 'discount-from-ten', {
    message: 'docs: tell of the discount',
    files: { 'README.md': '# orders\n\nPrices and stock of orders. Ten pieces and more cost a tenth less.\n' },
  });
  await refuseStale(stage, narrator, pull, first);
  const run = await agree(stage, narrator, pull, second);
  await showDeployments(stage, narrator, second);
  return { run, sha: second };
}

/** From yesterday to tomorrow, by the clocks of Paris. */
function stockTaking(): string {
  const day = (offset: number): string => new Date(Date.now() + offset * DAY_MS).toISOString().slice(0, DATE_CHARS);
  return `freeze:
  windows:
    - { name: stocktaking, environments: [prod], timezone: Europe/Paris, from: "${day(-1)}T00:00", to: "${day(2)}T00:00" }
`;
}

async function refuseStale(stage: Stage, narrator: Narrator, pull: number, first: string): Promise<void> {
  const { hugo, repository } = stage;
  narrator.say('ada              pushes one more commit');
  narrator.say(`hugo             reviews ${first.slice(0, 7)}: /maestro approve to-prod`);
  const { data } = await hugo.octokit.rest.pulls.createReview({
    ...repository,
    pull_number: pull,
    commit_id: first,
    event: 'COMMENT',
    body: '/maestro approve to-prod looks good',
  });
  const refusal = await waitForComment(stage, pull, new RegExp(`maestro:answer review-comment/${data.id} -->`));
  narrator.claim('an approval of the commit before is stale, and was refused', refusal.includes('Not done'), refusal);
}

/** Answers the id of the run. */
async function agree(stage: Stage, narrator: Narrator, pull: number, sha: string): Promise<string> {
  const { ada, grace, hugo, repository } = stage;
  narrator.say('ada              /maestro ship');
  await ada.comment(repository, pull, '/maestro ship');
  await waitsFor(stage, sha, '0 of 2 approvals');
  const own = await ada.comment(repository, pull, '/maestro approve to-prod');
  const refusal = await waitForAnswer(stage, pull, own);
  narrator.claim('ada, who wrote it, may not approve it', refusal.includes('Not done'), refusal);
  for (const person of [grace, hugo]) {
    narrator.say(`${person.login.padEnd(16)} /maestro approve to-prod`);
    await waitForAnswer(stage, pull, await person.comment(repository, pull, '/maestro approve to-prod'));
  }
  const shipped = await waitForCheck(stage, sha, SHIP, 'success');
  narrator.say(`${shipped.conclusion?.padEnd(16)} ${shipped.name}: ${shipped.title}`);
  return shipped.externalId;
}

/** The gate's own check says what it still waits for. */
async function waitsFor(stage: Stage, sha: string, what: string): Promise<void> {
  const read = async (): Promise<Check | undefined> => (await checksOf(stage, sha)).find(({ name }) => name === GATE);
  const says = (gate: Check | undefined): boolean =>
    gate?.conclusion === 'action_required' && `${gate.title} ${gate.summary}`.includes(what);
  await waitFor(
    `the check ${GATE} to say ${what}`,
    async () => ((await read().then(says)) ? true : undefined),
    async () => JSON.stringify(await read()),
  );
}

interface Shown {
  readonly environment: string;
  readonly state: string | undefined;
  readonly url: string | undefined;
}

async function showDeployments(stage: Stage, narrator: Narrator, sha: string): Promise<void> {
  const isWhole = (shown: readonly Shown[]): boolean =>
    ['staging', 'prod'].every((name) =>
      shown.some(({ environment, state }) => environment === name && state === 'success'),
    );
  const shown = await waitFor(
    'both deployments to stand on GitHub',
    async () => {
      const all = await deploymentsOf(stage, sha);
      return isWhole(all) ? all : undefined;
    },
    async () => JSON.stringify(await deploymentsOf(stage, sha)),
  );
  for (const { environment, state, url } of shown)
    narrator.say(`  deployment     ${environment}: ${state ?? ''} ${url ?? ''}`.trimEnd());
  const prod = shown.find(({ environment }) => environment === 'prod');
  narrator.claim('GitHub shows where to look at what is in prod', prod?.url === 'https://orders.example.com/', shown);
}

async function deploymentsOf({ ada, repository }: Stage, sha: string): Promise<readonly Shown[]> {
  const { data } = await ada.octokit.rest.repos.listDeployments({ ...repository, sha });
  return Promise.all(
    data.map(async ({ id, environment }) => {
      const { data: statuses } = await ada.octokit.rest.repos.listDeploymentStatuses({
        ...repository,
        deployment_id: id,
      });
      return { environment, state: statuses[0]?.state, url: statuses[0]?.environment_url };
    }),
  );
}
