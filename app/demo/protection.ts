import { waitFor } from './look.ts';
import type { Narrator } from './narrator.ts';
import type { Stage } from './stage.ts';

/** The App as a protection rule of an environment: jobs of other workflows are let through by the same policy. */
export async function protectJobs(stage: Stage, narrator: Narrator, branch: string): Promise<void> {
  const { sandbox, appId, repository } = stage;
  narrator.act(
    '7  A workflow of one’s own wants to deploy',
    'GitHub asks the App before a job may begin that names an environment. The same policy answers.',
  );
  sandbox.protectEnvironment(repository.owner, repository.repo, 'prod', appId);
  narrator.say('ada              starts deploy.yml on main');
  const refused = await dispatched(stage, 'main');
  narrator.claim(
    'a commit that was never in staging was rejected, with the reason',
    refused.state === 'rejected' && refused.words.some((word) => word.includes('staging')),
    refused,
  );
  narrator.say(`ada              starts deploy.yml on ${branch}`);
  const allowed = await dispatched(stage, branch);
  narrator.claim('what is in prod already may come again', allowed.state === 'approved', allowed);
}

interface RuleAnswer {
  readonly state: string;
  readonly words: readonly string[];
}

/** Starts the workflow and waits for the rule's answer: what GitHub shows on the page of the workflow's run. */
async function dispatched(stage: Stage, ref: string): Promise<RuleAnswer> {
  const { ada, repository } = stage;
  const before = new Set((await answersOf(stage)).map(({ deployment }) => deployment));
  await ada.octokit.rest.actions.createWorkflowDispatch({ ...repository, workflow_id: 'deploy.yml', ref });
  return await waitFor(
    'the protection rule to answer',
    async () => {
      const mine = (await answersOf(stage)).find((one) => !before.has(one.deployment) && one.state !== 'waiting');
      return mine && { state: mine.state, words: mine.words.map(({ comment }) => comment) };
    },
    async () => JSON.stringify(await answersOf(stage)),
  );
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
