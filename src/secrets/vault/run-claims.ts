import type { SecretRequest } from '../../protocol/secret-source.ts';
import { repositoryParts } from '../repository-pattern.ts';

/** Who a step is, as its identity token says it. All are texts: the vault compares texts. */
export interface RunClaims {
  readonly subject: string;
  /** What a role may be bound to. Equal for all steps that a token of the vault may serve. */
  readonly standing: Readonly<Record<string, string>>;
  /** Which run and step it is, for the vault's own audit. */
  readonly passing: Readonly<Record<string, string>>;
}

/**
 * The subject is `repo:acme/orders:environment:prod`, or `repo:acme/orders:ref:refs/heads/main` without an environment, as the
 * tokens of GitHub's own jobs have it. Undefined for a run of no repository: it is nobody.
 */
export function claimsOf(request: SecretRequest): RunClaims | undefined {
  const { repository, repositoryId, environment, ref, namespace, runner } = request;
  const parts = repositoryParts(repository);
  if (!parts) return undefined;
  return {
    subject: ['repo', repository, ...contextOf(request)].join(':'),
    standing: {
      repository,
      // Apart, because OpenBao puts no text with a slash into the path of a policy.
      repository_owner: parts[0],
      repository_name: parts[1],
      tenant: namespace.tenant,
      runner,
      ...(repositoryId !== '' && { repository_id: repositoryId }),
      ...(environment !== null && { environment: escaped(environment) }),
      ...(ref !== null && { ref: escaped(ref) }),
    },
    passing: { run_id: request.run, step: request.step },
  };
}

function contextOf({ environment, ref }: SecretRequest): readonly string[] {
  if (environment !== null) return ['environment', escaped(environment)];
  return ref === null ? [] : ['ref', escaped(ref)];
}

/** A colon must not begin the next part of a subject, and `*` or `+` be a wildcard in a policy that is made of claims. */
function escaped(name: string): string {
  return name.replaceAll(/[^\w. /-]/gu, (char) =>
    Array.from(Buffer.from(char), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  );
}
