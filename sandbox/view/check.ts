import type { CheckRun, CheckSuite, Repository } from '../model.ts';
import { nodeId } from '../names.ts';
import type { Fields } from '../shape.ts';
import type { World } from '../world.ts';
import { commitEventView } from './commit.ts';
import { appView, pageUrl, repositoryUrl, repositoryView } from './repository.ts';

export function checkRunView(world: World, repository: Repository, run: CheckRun): Fields {
  const url = `${repositoryUrl(world, repository)}/check-runs/${run.id}`;
  return {
    id: run.id,
    node_id: nodeId('CheckRun', run.id),
    name: run.name,
    head_sha: run.headSha,
    external_id: run.externalId,
    url,
    html_url: `${pageUrl(world, repository)}/runs/${run.id}`,
    details_url: run.detailsUrl ?? `${pageUrl(world, repository)}/runs/${run.id}`,
    status: run.status,
    conclusion: run.conclusion,
    started_at: run.startedAt,
    completed_at: run.completedAt,
    output: {
      title: run.title,
      summary: run.summary,
      text: run.text,
      annotations_count: run.annotations.length,
      annotations_url: `${url}/annotations`,
    },
    check_suite: { id: run.suite.id },
    app: appView(world, run.suite.app),
    pull_requests: suitePulls(world, repository, run.suite),
    ...(run.actions.length === 0 ? {} : { actions: run.actions }),
  };
}

/** The same in an event: the suite is there in full. */
export function checkRunEventView(world: World, repository: Repository, run: CheckRun): Fields {
  const view = checkRunView(world, repository, run);
  const { suite } = run;
  return {
    ...view,
    check_suite: {
      id: suite.id,
      node_id: nodeId('CheckSuite', suite.id),
      head_branch: suite.headBranch,
      head_sha: suite.headSha,
      status: suiteState(repository, suite).status,
      conclusion: suiteState(repository, suite).conclusion,
      url: `${repositoryUrl(world, repository)}/check-suites/${suite.id}`,
      before: null,
      after: suite.headSha,
      pull_requests: view['pull_requests'],
      app: view['app'],
      created_at: suite.createdAt,
      updated_at: suite.createdAt,
    },
  };
}

export async function checkSuiteView(world: World, repository: Repository, suite: CheckSuite): Promise<Fields> {
  const runs = [...repository.checkRuns.values()].filter((run) => run.suite.id === suite.id);
  const url = `${repositoryUrl(world, repository)}/check-suites/${suite.id}`;
  const commit = await commitEventView(world, repository, suite.headSha);
  return {
    id: suite.id,
    node_id: nodeId('CheckSuite', suite.id),
    head_branch: suite.headBranch,
    head_sha: suite.headSha,
    ...suiteState(repository, suite),
    url,
    before: null,
    after: suite.headSha,
    pull_requests: suitePulls(world, repository, suite),
    app: appView(world, suite.app),
    repository: repositoryView(world, repository),
    created_at: suite.createdAt,
    updated_at: suite.createdAt,
    head_commit: commit,
    latest_check_runs_count: runs.length,
    check_runs_url: `${url}/check-runs`,
    rerequestable: true,
    runs_rerequestable: true,
  };
}

/** A suite is what its runs are together. */
function suiteState(repository: Repository, suite: CheckSuite): { status: string; conclusion: string | null } {
  const runs = [...repository.checkRuns.values()].filter((run) => run.suite.id === suite.id);
  if (runs.length === 0) return { status: 'queued', conclusion: null };
  if (runs.some(({ status }) => status !== 'completed')) return { status: 'in_progress', conclusion: null };
  const worst = ['failure', 'timed_out', 'cancelled', 'action_required', 'success', 'neutral', 'skipped'];
  const conclusion = worst.find((word) => runs.some((run) => run.conclusion === word)) ?? 'neutral';
  return { status: 'completed', conclusion };
}

/** Pull requests of this repository at the commit. Empty for forks, as GitHub does it. */
function suitePulls(world: World, repository: Repository, suite: CheckSuite): readonly Fields[] {
  const url = repositoryUrl(world, repository);
  const side = (ref: string, sha: string): Fields => ({
    ref,
    sha,
    repo: { id: repository.id, url, name: repository.name },
  });
  return [...repository.pulls.values()]
    .filter(
      (pull) =>
        pull.issue.state === 'open' && pull.headSha === suite.headSha && pull.headRepository.id === repository.id,
    )
    .map((pull) => ({
      id: pull.id,
      number: pull.issue.number,
      url: `${url}/pulls/${pull.issue.number}`,
      head: side(pull.headRef, pull.headSha),
      base: side(pull.baseRef, pull.baseSha),
    }));
}
