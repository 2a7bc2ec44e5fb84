import type { Call } from './call.ts';
import type { Issue } from './model.ts';
import type { Fields } from './shape.ts';

/** Writes down what the caller did to an issue, for `issues/list-events`. */
export function noteEvent(
  call: Call,
  issue: Issue,
  event: string,
  { commitSha = null, ...details }: Fields & { readonly commitSha?: string | null } = {},
): void {
  const { world, actor, appOrNull: app } = call;
  issue.events.push({ id: world.nextId(), event, actor, app, createdAt: world.now(), commitSha, details });
}
