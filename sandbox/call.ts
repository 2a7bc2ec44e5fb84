import type { IncomingHttpHeaders } from 'node:http';
import type { Actions } from './actions/actions.ts';
import { ApiError, invalid, notFound } from './api-error.ts';
import type { RateLimiter } from './limits.ts';
import type { Account, App, Credential, Repository } from './model.ts';
import type { Operation } from './openapi.ts';
import type { Fields } from './shape.ts';
import type { World } from './world.ts';

export interface Reply {
  readonly status: number;
  /** JSON, or bytes for downloads; undefined for an empty answer. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Answers one operation. Requests were validated before, answers are completed and validated after. */
type Handler = (call: Call) => Reply | Promise<Reply>;

export type Routes = Readonly<Record<string, Handler>>;

export interface CallParts {
  readonly world: World;
  readonly actions: Actions;
  readonly limiter: RateLimiter;
  readonly operation: Operation;
  readonly credential: Credential;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly body: Fields;
  readonly bytes: Buffer;
  readonly headers: IncomingHttpHeaders;
  readonly apiVersion: string;
  readonly isEnterprise: boolean;
}

/** One request, with what it says about who and where. */
export class Call {
  readonly parts: CallParts;

  constructor(parts: CallParts) {
    this.parts = parts;
  }

  get world(): World {
    return this.parts.world;
  }

  get body(): Fields {
    return this.parts.body;
  }

  /** The repository of the path, if the caller may know that it exists. */
  get repository(): Repository {
    const repository = this.world.repository(this.param('owner'), this.param('repo'));
    if (!this.world.canRead(this.parts.credential, repository)) throw notFound();
    return repository;
  }

  /** Who does it: a person, or an app's bot. */
  get actor(): Account {
    const { credential } = this.parts;
    if (credential.kind === 'user') return credential.account;
    if (credential.kind === 'installation') return credential.installation.app.bot;
    if (credential.kind === 'app') return credential.app.bot;
    throw new ApiError(401, 'Requires authentication');
  }

  /** The app that calls, as itself or as an installation. */
  get app(): App {
    const app = this.appOrNull;
    if (app === null) throw new ApiError(403, 'You must authenticate via a GitHub App.');
    return app;
  }

  get appOrNull(): App | null {
    const { credential } = this.parts;
    if (credential.kind === 'app') return credential.app;
    return credential.kind === 'installation' ? credential.installation.app : null;
  }

  param(name: string): string {
    const value = this.parts.params[name];
    if (value === undefined) throw notFound();
    return value;
  }

  number(name: string): number {
    const value = Number(this.param(name));
    if (!Number.isSafeInteger(value)) throw notFound();
    return value;
  }

  query(name: string): string | undefined {
    return this.parts.query[name];
  }

  text(name: string): string | undefined {
    const value = this.body[name];
    return typeof value === 'string' ? value : undefined;
  }

  needText(name: string): string {
    const value = this.text(name);
    if (value === undefined) throw invalid(`"${name}" wasn't supplied.`);
    return value;
  }

  flag(name: string): boolean {
    return this.body[name] === true;
  }

  /** A page of a list, with the `Link` header that clients follow. */
  page<T>(items: readonly T[]): { readonly items: readonly T[]; readonly headers: Readonly<Record<string, string>> } {
    const size = Math.min(100, Math.max(1, Number(this.query('per_page') ?? 30)));
    const page = Math.max(1, Number(this.query('page') ?? 1));
    const last = Math.max(1, Math.ceil(items.length / size));
    const link = (number: number, rel: string): string => {
      const query = new URLSearchParams({ ...this.parts.query, per_page: String(size), page: String(number) });
      return `<${this.world.apiUrl}${this.path}?${query.toString()}>; rel="${rel}"`;
    };
    const links = [
      ...(page > 1 ? [link(page - 1, 'prev'), link(1, 'first')] : []),
      ...(page < last ? [link(page + 1, 'next'), link(last, 'last')] : []),
    ];
    return {
      items: items.slice((page - 1) * size, page * size),
      headers: links.length === 0 ? {} : { link: links.join(', ') },
    };
  }

  private get path(): string {
    return this.parts.operation.path.replaceAll(/\{([^}]+)\}/g, (_, name: string) =>
      encodeURIComponent(this.param(name)),
    );
  }
}

/** What somebody wrote is theirs to change, and that of those who may push. */
export function needAuthorOrWrite({ parts, world, repository }: Call, author: Account): void {
  const { credential } = parts;
  if (credential.kind !== 'user' || credential.account.id === author.id) return;
  if (!world.hasRole(credential.account, repository, 'write'))
    throw new ApiError(403, 'Must have write rights to Repository.');
}

/** A list answer: a page of views. */
export function listed<T>(call: Call, items: readonly T[], view: (item: T) => unknown, key?: string): Reply {
  const { items: page, headers } = call.page(items);
  const views = page.map(view);
  return { status: 200, headers, body: key === undefined ? views : { total_count: items.length, [key]: views } };
}

export function found<T>(item: T | undefined): T {
  if (item === undefined) throw notFound();
  return item;
}
