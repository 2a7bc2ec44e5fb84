import type { Namespace } from './namespace.ts';

/** Which secrets a step wants, and who it is: everything by which a source may release or withhold them. */
export interface SecretRequest {
  /** As the step declares them; policy has released exactly these. */
  readonly names: readonly string[];
  readonly namespace: Namespace;
  /** `acme/orders`; empty for a run that belongs to no repository of GitHub. */
  readonly repository: string;
  /** GitHub's number of the repository, which stays when the name goes to somebody else; empty where there is none. */
  readonly repositoryId: string;
  /** `refs/heads/main` */
  readonly ref: string | null;
  /** The environment that the step acts on. */
  readonly environment: string | null;
  /** Public id of the run. */
  readonly run: string;
  /** Base id of the step. */
  readonly step: string;
  /** Runner class. */
  readonly runner: string;
}

/** Values of secrets; asked only for names that policy released to the step. */
export interface SecretSource {
  /**
   * Exactly the named ones.
   * @throws SECRET_NOT_FOUND naming those that are missing, SECRET_UNUSABLE for a value that no step can be given,
   * REQUEST_TOO_LARGE for too many names, SECRETS_UNAVAILABLE where it may help to ask again
   */
  read(request: SecretRequest): Promise<Readonly<Record<string, string>>>;
}

/** One place where values are kept. */
export interface SecretProvider {
  /**
   * Those of the named secrets that it has and releases to this request. What it has not, and what is not for this
   * request, is absent alike: nobody learns which secrets others have.
   * @param signal fires when nobody waits for the answer any more
   * @throws SECRETS_UNAVAILABLE where it cannot tell: no other provider is then asked in its place
   */
  find(request: SecretRequest, signal: AbortSignal): Promise<Readonly<Record<string, string>>>;
  /** Gives back what it holds at the far end. Never fails. */
  close(): Promise<void>;
}
