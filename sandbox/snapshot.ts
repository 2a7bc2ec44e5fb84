import type { Json } from '../src/base/json.ts';
import type { Repository } from './model.ts';
import { fullName } from './names.ts';
import { latestByName } from './routes/checks.ts';
import type { World } from './world.ts';

/**
 * The state that people see at the end, in a stable order and without what differs from run to run: ids, times and
 * texts that name them are the caller's to compare or not. Checks of GitHub's own jobs are under `workflowRuns`.
 */
export function snapshotOf(world: World): Json {
  const repositories = [...world.repositories.values()].toSorted((a, b) => (fullName(a) < fullName(b) ? -1 : 1));
  return Object.fromEntries(repositories.map((repository) => [fullName(repository), repositorySnapshot(repository)]));
}

function repositorySnapshot(repository: Repository): Json {
  const checks = latestByName(
    [...repository.checkRuns.values()].filter(({ suite }) => suite.app.slug !== 'github-actions'),
  );
  return {
    checks: sorted(
      checks.map(({ headSha, name, status, conclusion, title, annotations, actions }) => ({
        sha: headSha,
        name,
        status,
        conclusion,
        title,
        annotations: sorted(annotations.map((annotation) => ({ ...annotation }) as Json)),
        actions: actions.map(({ identifier }) => String(identifier)),
      })),
    ),
    statuses: sorted(repository.statuses.map(({ sha, context, state }) => ({ sha, context, state }))),
    pulls: [...repository.pulls.values()].map(({ issue, headSha, mergedAt }) => ({
      number: issue.number,
      state: issue.state,
      headSha,
      isMerged: mergedAt !== null,
      labels: issue.labels.toSorted(),
    })),
    comments: sorted(
      [...repository.comments.values()].map(({ issue, author, body, reactions }) => ({
        issue: issue.number,
        author: author.login,
        body,
        reactions: reactions.map(({ content, author }) => `${content} ${author.login}`).toSorted(),
      })),
    ),
    deployments: sorted(
      [...repository.deployments.values()].map(({ environment, sha, task, statuses }) => ({
        environment,
        sha,
        task,
        state: statuses.at(-1)?.state ?? null,
      })),
    ),
    releases: sorted(
      [...repository.releases.values()].map(({ tag, isDraft, isPrerelease, assets }) => ({
        tag,
        isDraft,
        isPrerelease,
        assets: assets.map(({ name, state }) => `${name} ${state}`).toSorted(),
      })),
    ),
    workflowRuns: sorted(
      [...repository.workflowRuns.values()].map(({ workflow, event, ref, conclusion }) => ({
        path: workflow.path,
        event,
        ref,
        conclusion,
      })),
    ),
  };
}

function sorted(items: readonly Json[]): readonly Json[] {
  return items.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}
