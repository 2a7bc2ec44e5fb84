import { digestJson } from '../../base/digest.ts';
import type { JsonObject } from '../../base/json.ts';
import type { RunTrigger } from '../../protocol/client.ts';
import type { CodeEvent, PullFacts } from '../code-event.ts';

/** As Actions names the events. */
const EVENT_NAMES: Readonly<Record<CodeEvent['type'], string>> = {
  push: 'push',
  tag: 'push',
  pull_request: 'pull_request',
  merge_group: 'merge_group',
  release: 'release',
  command: 'issue_comment',
  dispatch: 'workflow_dispatch',
};

/** Why a run is started, as policy, expressions and the receipt know it. */
export function runTrigger(event: CodeEvent): RunTrigger {
  const github = githubContext(event);
  const { actor, actorId } = event;
  return {
    type: event.type,
    actor: { provider: 'github', id: actor, ...(actorId !== undefined && { account: String(actorId) }) },
    source: { uri: event.repository.url, gitCommit: event.headSha, ref: event.ref },
    github,
    eventDigest: digestJson(github),
    isFork: event.pull?.isFork === true,
  };
}

/** The `github` context of Actions, of fields that are bounded: texts that strangers write at length stay outside. */
function githubContext(event: CodeEvent): JsonObject {
  const { repository, ref, pull } = event;
  return {
    event_name: EVENT_NAMES[event.type],
    event: eventOf(event),
    actor: event.actor,
    repository: `${repository.owner}/${repository.name}`,
    repository_id: String(repository.id),
    repository_owner: repository.owner,
    sha: event.headSha,
    ref,
    ref_name: ref.replace(/^refs\/(?:heads|tags|pull)\//, ''),
    ref_type: event.tag === null ? 'branch' : 'tag',
    head_ref: pull?.headRef ?? '',
    base_ref: pull?.baseRef ?? (event.type === 'merge_group' ? (event.branch ?? '') : ''),
  };
}

/** The payload's own shape, of what is known of it. */
function eventOf(event: CodeEvent): JsonObject {
  const { action, repository, pull, tag, command } = event;
  return {
    ...(action !== null && { action }),
    repository: {
      id: repository.id,
      name: repository.name,
      full_name: `${repository.owner}/${repository.name}`,
      owner: { login: repository.owner },
      default_branch: repository.defaultBranch,
      html_url: repository.url,
    },
    sender: { login: event.actor },
    ...(event.pushedBy !== null && { pusher: { name: event.pushedBy } }),
    ...(event.type === 'push' && { before: event.baseSha ?? '0'.repeat(event.headSha.length), after: event.headSha }),
    ...(pull && { number: pull.number, pull_request: pullOf(pull) }),
    ...(event.type === 'release' && { release: { tag_name: tag } }),
    ...(command && { inputs: command.params }),
  };
}

function pullOf(pull: PullFacts): JsonObject {
  return {
    number: pull.number,
    head: { ref: pull.headRef, sha: pull.headSha },
    base: { ref: pull.baseRef, sha: pull.baseSha },
    user: { login: pull.author },
    draft: pull.isDraft,
    labels: pull.labels.map((name) => ({ name })),
  };
}
