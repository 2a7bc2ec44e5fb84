import type { SecretRequest } from '../../../src/protocol/secret-source.ts';

/** What a step of acme/orders asks for. */
export function requestFor(names: readonly string[], change: Partial<SecretRequest> = {}): SecretRequest {
  return {
    names,
    namespace: { tenant: 'github:42', name: `github:${change.repositoryId ?? '77'}` },
    repository: 'acme/orders',
    repositoryId: '77',
    ref: 'refs/heads/main',
    environment: null,
    run: '01run',
    step: 'publish',
    runner: 'linux',
    ...change,
  };
}
