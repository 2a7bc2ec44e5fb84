import { type Check, waitFor, waitForCheck } from './look.ts';
import type { Narrator } from './narrator.ts';
import type { Person } from './person.ts';
import type { Stage } from './stage.ts';

const GATE = 'maestro / deployment to prod / promote';

/** The App as a protection rule of an environment: jobs of other workflows are let through by the same policy. */
export async function protectJobs(stage: Stage, narrator: Narrator, branch: string, sha: string): Promise<void> {
  const { sandbox, appId, repository, grace, hugo } = stage;
  narrator.act(
    '7  A workflow of one’s own wants to deploy',
    'GitHub asks the App before a job may begin that names an environment. The same policy answers.',
  );
  sandbox.protectEnvironment(repository.owner, repository.repo, 'prod', appId);
  narrator.say('ada              starts deploy.yml on main');
  const refused = await ended(stage, await dispatched(stage, 'main'));
  narrator.claim(
    'a commit that was never in staging was rejected, with the reason',
    refused.state === 'rejected' && wordsOf(refused).includes('staging'),
    refused,
  );
  narrator.say(`ada              starts deploy.yml on ${branch}`);
  const deployment = await dispatched(stage, branch);
  const waiting = await shown(stage, deployment, (answer) => wordsOf(answer).includes('0 of 2 approvals'));
  narrator.claim('meanwhile GitHub shows what the job waits for', waiting.state === 'waiting', waiting);
  for (const person of [grace, hugo]) {
    narrator.say(`${person.login.padEnd(16)} presses Approve on the check`);
    await press(stage, person, await waitForCheck(stage, sha, GATE, 'action_required'));
  }
  const allowed = await ended(stage, deployment);
  narrator.claim('two people agreed, and the job was let through', allowed.state === 'approved', allowed);
}

/** Starts the workflow. Answers the deployment that waits for the rule. */
async function dispatched(stage: Stage, ref: string): Promise<number> {
  const { ada, repository } = stage;
  const before = new Set((await answersOf(stage)).map(({ deployment }) => deployment));
  await ada.octokit.rest.actions.createWorkflowDispatch({ ...repository, workflow_id: 'deploy.yml', ref });
  return await waitFor(
    'the job to wait for the protection rule',
    async () => (await answersOf(stage)).find((one) => !before.has(one.deployment))?.deployment,
    async () => JSON.stringify(await answersOf(stage)),
  );
}

function ended(stage: Stage, deployment: number): Promise<ShownAnswer> {
  return shown(stage, deployment, ({ state }) => state !== 'waiting');
}

async function shown(
  stage: Stage,
  deployment: number,
  isMeant: (answer: ShownAnswer) => boolean,
): Promise<ShownAnswer> {
  return await waitFor(
    'the protection rule to say more',
    async () => (await answersOf(stage)).find((one) => one.deployment === deployment && isMeant(one)),
    async () => JSON.stringify(await answersOf(stage)),
  );
}

function wordsOf({ words }: ShownAnswer): string {
  return words.map(({ comment }) => comment).join(' ');
}

/** What a click on the page does, which no call of the API can. */
async function press({ sandbox, repository }: Stage, { octokit }: Person, { id }: Check): Promise<void> {
  const { owner, repo } = repository;
  const url = `${sandbox.url}/_sandbox/repos/${owner}/${repo}/check-runs/${id}/actions`;
  await octokit.request(`POST ${url}`, { identifier: 'approve' });
}

interface ShownAnswer {
  readonly deployment: number;
  readonly state: string;
  readonly words: readonly { readonly comment: string }[];
}

/** GitHub shows these to people and tells no caller: they are read from the page's own source. */
async function answersOf({ ada, sandbox, repository }: Stage): Promise<readonly ShownAnswer[]> {
  const { owner, repo } = repository;
  const { data } = await ada.octokit.request(`GET ${sandbox.url}/_sandbox/repos/${owner}/${repo}/gates`);
  return data as readonly ShownAnswer[];
}
