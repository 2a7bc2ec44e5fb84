import { randomBytes } from 'node:crypto';
import { ApiError, notFound } from './api-error.ts';
import type { Account, App, Credential, Installation, Permissions, Repository, Role } from './model.ts';
import { fullName, nodeId } from './names.ts';
import type { Fields } from './shape.ts';
import { accountView, organizationView, repositoryView } from './view/repository.ts';
import type { Webhooks } from './webhooks.ts';

const ROLES: readonly Role[] = ['read', 'triage', 'write', 'maintain', 'admin'];
const TOKEN_MS = 60 * 60_000;

/** What happened, for the apps that listen. */
export interface Happening {
  readonly event: string;
  readonly action?: string;
  readonly repository: Repository;
  readonly sender: Account;
  readonly payload: Fields;
  /** Some events reach only the app that owns the thing. */
  readonly only?: App;
}

/** Everything that exists in the sandbox. In memory but for the git folders: the sandbox is not what gets killed. */
export class World {
  readonly accounts = new Map<string, Account>();
  readonly repositories = new Map<number, Repository>();
  readonly apps = new Map<number, App>();
  readonly installations = new Map<number, Installation>();
  readonly credentials = new Map<string, Credential>();
  /** `organization/team` in small letters -> members by id. */
  readonly teams = new Map<string, Map<number, 'active' | 'pending'>>();
  /** Names of assets whose next upload breaks off. */
  readonly brokenUploads = new Set<string>();
  /** `owner/name` in small letters, of repositories that have another name or owner by now. */
  readonly formerNames = new Map<string, Repository>();
  readonly listeners = new Set<(topic: string) => void>();
  /** Sees everything that happens, whether an app listens or not. */
  readonly watchers = new Set<(happening: Happening) => void>();
  readonly origin: string;
  readonly root: string;
  readonly webhooks: Webhooks;
  readonly nowMs: () => number;
  private lastId = 1000;

  constructor(options: { origin: string; root: string; webhooks: Webhooks; nowMs: () => number }) {
    this.origin = options.origin;
    this.root = options.root;
    this.webhooks = options.webhooks;
    this.nowMs = options.nowMs;
  }

  get apiUrl(): string {
    return `${this.origin}/api/v3`;
  }

  /** Ids grow and are never reused, over all kinds: a mixed-up id is a 404 and not somebody else's thing. */
  nextId(): number {
    this.lastId += 1;
    return this.lastId;
  }

  now(): string {
    return `${new Date(this.nowMs()).toISOString().slice(0, 19)}Z`;
  }

  account(login: string): Account {
    const account = this.accounts.get(login.toLowerCase());
    if (account === undefined) throw notFound();
    return account;
  }

  addAccount(login: string, type: Account['type']): Account {
    if (this.accounts.has(login.toLowerCase())) throw new Error(`the sandbox has an account ${login} already`);
    const token = type === 'User' ? `ghp_${randomBytes(18).toString('hex')}` : null;
    const account: Account = { id: this.nextId(), login, type, token };
    this.accounts.set(login.toLowerCase(), account);
    if (token !== null) this.credentials.set(token, { kind: 'user', account, scopes: ['repo', 'read:org'] });
    return account;
  }

  repository(owner: string, name: string): Repository {
    const wanted = `${owner}/${name}`.toLowerCase();
    for (const repository of this.repositories.values()) {
      if (fullName(repository).toLowerCase() === wanted) return repository;
    }
    throw notFound();
  }

  /** The repository that had this name before it was renamed or transferred, or null; whoever has it now comes first. */
  movedRepository(owner: string, name: string): Repository | null {
    const wanted = `${owner}/${name}`.toLowerCase();
    const former = this.formerNames.get(wanted);
    if (former === undefined || !this.repositories.has(former.id)) return null;
    const isTaken = [...this.repositories.values()].some((other) => fullName(other).toLowerCase() === wanted);
    return isTaken ? null : former;
  }

  roleOf(account: Account, repository: Repository): Role | null {
    if (account.id === repository.owner.id) return 'admin';
    return repository.collaborators.get(account.login.toLowerCase()) ?? (repository.isPrivate ? null : 'read');
  }

  hasRole(account: Account, repository: Repository, role: Role): boolean {
    const own = this.roleOf(account, repository);
    return own !== null && ROLES.indexOf(own) >= ROLES.indexOf(role);
  }

  canRead(credential: Credential, repository: Repository): boolean {
    if (credential.kind === 'installation' && this.reaches(credential, repository)) return true;
    if (credential.kind === 'user') return this.sees(credential, repository);
    return !repository.isPrivate;
  }

  /** A classic token sees private repositories of its person only with the scope for it. */
  private sees({ account, scopes }: Extract<Credential, { kind: 'user' }>, repository: Repository): boolean {
    const isOpen = scopes === null || scopes.includes('repo');
    return isOpen ? this.roleOf(account, repository) !== null : !repository.isPrivate;
  }

  /** What a token was made for, as long as its installation has it too. */
  reaches({ installation, repositoryIds }: Extract<Credential, { kind: 'installation' }>, { id }: Repository): boolean {
    return repositoryIds.has(id) && installation.repositoryIds.has(id);
  }

  /** A token of an installation, or of a job, narrowed to some permissions and repositories. */
  issueToken(
    installation: Installation,
    permissions: Permissions,
    repositoryIds: ReadonlySet<number>,
  ): { readonly token: string; readonly expiresAt: string } {
    const token = `ghs_${randomBytes(24).toString('hex')}`;
    const expiresAtMs = this.nowMs() + TOKEN_MS;
    this.credentials.set(token, { kind: 'installation', installation, permissions, repositoryIds, expiresAtMs });
    return { token, expiresAt: `${new Date(expiresAtMs).toISOString().slice(0, 19)}Z` };
  }

  credentialOf(token: string): Credential {
    const credential = this.credentials.get(token);
    if (credential === undefined) throw new ApiError(401, 'Bad credentials');
    if (credential.kind === 'installation' && credential.expiresAtMs <= this.nowMs()) {
      throw new ApiError(401, 'Bad credentials');
    }
    return credential;
  }

  installationsOf(repository: Repository): readonly Installation[] {
    return [...this.installations.values()].filter(({ repositoryIds }) => repositoryIds.has(repository.id));
  }

  emit({ event, action, repository, sender, payload, only }: Happening): void {
    for (const installation of this.installationsOf(repository)) {
      const { app } = installation;
      if ((only !== undefined && app.id !== only.id) || installation.suspendedAt !== null) continue;
      if (!app.events.includes(event)) continue;
      const { owner } = repository;
      this.webhooks.send(app, installation, event, {
        ...(action === undefined ? {} : { action }),
        ...payload,
        repository: repositoryView(this, repository),
        sender: accountView(this, sender),
        installation: { id: installation.id, node_id: nodeId('Installation', installation.id) },
        ...(owner.type === 'Organization' ? { organization: organizationView(this, owner) } : {}),
      });
    }
    for (const watcher of this.watchers)
      watcher({ event, repository, sender, payload, ...(action === undefined ? {} : { action }) });
    this.changed(fullName(repository));
  }

  /** Tells open pages that they are stale. */
  changed(topic: string): void {
    for (const listener of this.listeners) listener(topic);
  }
}
