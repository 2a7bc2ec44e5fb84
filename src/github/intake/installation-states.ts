import type { Clock } from '../../base/clock.ts';
import type { GitHubAccess } from '../octokit.ts';
import { endPlace } from './end-place.ts';
import type { InstallationHandlersOptions } from './installation-handlers.ts';

/** Of all processes together GitHub allows 5,000 calls an hour that are made as the App itself. */
const INSTALLATIONS_AT_ONCE = 30;
/** A suspension that lasts longer counts as an uninstallation: what waits for its end would wait for ever. */
const SUSPENDED_MS_MAX = 90 * 86_400_000;
const NOT_FOUND = 404;

export interface InstallationStatesOptions extends InstallationHandlersOptions {
  readonly clock: Clock;
}

/**
 * Asks GitHub how installations are for which something is open, where a webhook that would have told was lost: one that is
 * gone is ended, one that is suspended is left alone, one that is not any more is taken up again, one whose owner was renamed
 * is found by that name. About 30 installations a
 * sweep, each sweep going on where the last one ended.
 */
export class InstallationStates {
  readonly #options: InstallationStatesOptions;
  /** Not found at the look before: one answer that is wrong must not cancel everything. */
  readonly #missing = new Set<number>();
  #after = 0;

  constructor(options: InstallationStatesOptions) {
    this.#options = options;
  }

  async sweep(): Promise<void> {
    const { installations } = this.#options;
    const ids = await installations.inUse(this.#after, INSTALLATIONS_AT_ONCE);
    const suspended = new Set(await installations.suspended());
    for (const id of ids) {
      // Before the look: the next sweep passes over one that cannot be dealt with.
      this.#after = id;
      await this.#look(id, suspended.has(id));
    }
    if (ids.length < INSTALLATIONS_AT_ONCE) this.#after = 0;
  }

  async #look(id: number, isKnownSuspended: boolean): Promise<void> {
    const { access, installations, clock } = this.#options;
    const found = await lookUp(access, id);
    if (found === undefined) return this.#lookAtMissing(id);
    this.#missing.delete(id);
    const { suspendedAt, owner } = found;
    if (owner !== null && ((await installations.ownerOf(id)) ?? owner) !== owner)
      await installations.renameOwner(id, owner);
    if (suspendedAt === null) {
      if (isKnownSuspended) await installations.resume({ installationId: id, repositoryId: null });
    } else if (clock.now() - Date.parse(suspendedAt) > SUSPENDED_MS_MAX) {
      await this.#end(id, 'the App has been suspended for 90 days');
    } else await installations.suspend(id);
  }

  async #lookAtMissing(id: number): Promise<void> {
    if (this.#missing.delete(id)) await this.#end(id, 'the App was uninstalled');
    else this.#missing.add(id);
  }

  async #end(installationId: number, reason: string): Promise<void> {
    await endPlace(this.#options, { installationId, repositoryId: null }, reason);
  }
}

interface InstallationState {
  /** Since when; null where it is not suspended. */
  readonly suspendedAt: string | null;
  /** Null for what has no login. */
  readonly owner: string | null;
}

/** Undefined where there is no such installation. */
async function lookUp({ app }: GitHubAccess, installation_id: number): Promise<InstallationState | undefined> {
  try {
    const { suspended_at: suspendedAt, account } = (await app.rest.apps.getInstallation({ installation_id })).data;
    return { suspendedAt: suspendedAt ?? null, owner: account && 'login' in account ? account.login : null };
  } catch (error) {
    if ((error as { readonly status?: unknown }).status === NOT_FOUND) return undefined;
    throw error;
  }
}
