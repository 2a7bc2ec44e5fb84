import type { IssueEvent, Repository } from '../model.ts';
import { nodeId } from '../names.ts';
import type { Fields } from '../shape.ts';
import type { World } from '../world.ts';
import { accountView, appView, repositoryUrl } from './repository.ts';

export function issueEventView(world: World, repository: Repository, event: IssueEvent): Fields {
  return {
    id: event.id,
    node_id: nodeId('IssueEvent', event.id),
    url: `${repositoryUrl(world, repository)}/issues/events/${event.id}`,
    actor: accountView(world, event.actor),
    event: event.event,
    commit_id: event.commitSha,
    commit_url: event.commitSha === null ? null : `${repositoryUrl(world, repository)}/commits/${event.commitSha}`,
    created_at: event.createdAt,
    performed_via_github_app: event.app === null ? null : appView(world, event.app),
    ...event.details,
  };
}
