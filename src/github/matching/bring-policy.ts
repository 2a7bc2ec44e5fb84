import { isMaestroError, MaestroError } from '../../base/errors.ts';
import type { JsonObject } from '../../base/json.ts';
import type { Engine } from '../../engine/engine.ts';
import type { RepositoryFacts } from '../code-event.ts';
import type { Octokit } from '../octokit.ts';
import { repositoryNamespace } from '../repository-namespace.ts';
import { tipOf } from './definitions.ts';
import { type BlobCache, openRepositoryFiles, type RepositoryFiles } from './repository-files.ts';

const POLICY_PATH = '.maestro/policy.yaml';
/** Repositories whose newest policy is known here. */
const KNOWN_MAX = 10_000;
/** The default branch moves while its policy is read. */
const ROUNDS_MAX = 5;

export interface PolicyTools {
  readonly engine: Pick<Engine, 'setPolicy'>;
  /** What the text of a policy file changes of the data. @throws POLICY_INVALID with a line for each finding */
  readonly parsePolicy: (text: string, path: string) => JsonObject | null;
}

/** Keeps the policies of repositories what their default branches say: never a branch, a fork or a pull request. */
export class PolicyBringer {
  readonly #tools: PolicyTools;
  readonly #cache: BlobCache;
  /** Commit that was read last, by repository. */
  readonly #tips = new Map<number, string>();

  constructor(tools: PolicyTools, cache: BlobCache) {
    this.#tools = tools;
    this.#cache = cache;
  }

  /** Tells the engine what the policy file says where the default branch has moved. */
  async bring(octokit: Octokit, repository: RepositoryFacts): Promise<void> {
    for (let round = 1; round <= ROUNDS_MAX; round++) {
      const tip = await tipOf(octokit, repository, repository.defaultBranch);
      // An empty repository has no policy of its own, and nothing to run either.
      if (tip === undefined || this.#tips.get(repository.id) === tip) return;
      const namespace = repositoryNamespace(repository.installationId, repository.id);
      const files = openRepositoryFiles(octokit, repository, tip, this.#cache);
      await this.#tools.engine.setPolicy(namespace, await this.#read(files), { path: POLICY_PATH, commit: tip });
      // Whoever was slower than another must not leave the older policy: the branch is looked at once more.
      this.#remember(repository.id, tip);
    }
  }

  async #read(files: RepositoryFiles): Promise<JsonObject | null | MaestroError> {
    try {
      const bytes = await files.read(POLICY_PATH);
      if (bytes === undefined) return null;
      return this.#tools.parsePolicy(new TextDecoder('utf-8', { fatal: true }).decode(bytes), POLICY_PATH);
    } catch (error) {
      if (error instanceof TypeError) return new MaestroError('POLICY_INVALID', `${POLICY_PATH} is not UTF-8 text`);
      if (isMaestroError(error, 'POLICY_INVALID') || isMaestroError(error, 'FILE_TOO_LARGE')) return error;
      throw error;
    }
  }

  #remember(repository: number, tip: string): void {
    this.#tips.delete(repository);
    this.#tips.set(repository, tip);
    if (this.#tips.size > KNOWN_MAX) this.#tips.delete(this.#tips.keys().next().value as number);
  }
}
