import type { CheckTarget } from '../protocol/check.ts';
import type { Row } from './database.ts';

/** Of a row that begins with `installation_id, repository_id, owner, repo, head_sha`. */
export function targetOf(row: Row): CheckTarget {
  const [installationId, repositoryId, owner, repo, headSha] = row;
  return {
    installationId: Number(installationId),
    repositoryId: Number(repositoryId),
    owner: String(owner),
    repo: String(repo),
    headSha: String(headSha),
  };
}
