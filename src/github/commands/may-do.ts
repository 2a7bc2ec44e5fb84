import { MaestroError } from '../../base/errors.ts';
import type { RepositoryFacts } from '../code-event.ts';
import type { KnownPerson } from '../people/person-of.ts';
import { repositoryNamespace } from '../repository-namespace.ts';
import type { Verb } from './command-table.ts';
import type { CommandTools } from './tools.ts';

/** Where somebody asks for something. */
export interface AskedPlace {
  readonly repository: Pick<RepositoryFacts, 'id' | 'installationId'>;
  /** Everybody may read the repository. */
  readonly isPublic: boolean;
}

/**
 * Asks policy whether somebody may do something in a repository.
 * @throws POLICY_DENIED with its reasons, in words that may be shown to the person
 */
export async function assertMayDo(
  engine: CommandTools['engine'],
  { repository, isPublic }: AskedPlace,
  { login, role, principal, teamsProblem }: KnownPerson,
  action: Verb,
): Promise<void> {
  const namespace = repositoryNamespace(repository.installationId, repository.id);
  const { verdict, reasons } = await engine.mayAct(namespace, action, principal, isPublic);
  if (verdict === 'allow') return;
  const has = role === 'none' ? 'no role' : `the ${role} role`;
  const why = teamsProblem === null ? reasons : [...reasons, teamsProblem];
  throw new MaestroError(
    'POLICY_DENIED',
    `policy does not let ${login}, who has ${has} here, ask for ${action}: ${why.join('; ')}`,
  );
}
