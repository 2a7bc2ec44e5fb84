import { MaestroError } from '../../base/errors.ts';
import { isJsonObject, type JsonObject } from '../../base/json.ts';
import { numberAt, textAt } from '../intake/payload.ts';
import type { Person } from './role-of.ts';

/**
 * Tokens by which people act: classic and fine-grained ones that they made themselves, and those of OAuth apps such as
 * GitHub's own CLI. Not those of Apps: neither `ghs_`, which are nobody's, nor `ghu_`, which an App acts with in somebody's
 * name. Whatever looks otherwise, a worker's session or a job's identity among it, is shown to nobody.
 */
const TOKEN = /^(?:(?:ghp|gho|github_pat)_\w{20,255}|[0-9a-f]{40})$/;
const REDIRECTS = new Set([301, 302, 307, 308]);
const REDIRECTS_MAX = 3;
const OF_APP = 'this is the token of an App: answers are given by people, with a token of their own';

export interface TokenHolders {
  /** `https://api.github.com`; nothing else ever sees a token. */
  readonly apiUrl: string;
  readonly fetch: typeof fetch;
}

/** A repository as the holder of a token sees it. */
export interface SeenRepository {
  readonly id: number;
  readonly owner: string;
  readonly name: string;
  readonly isPublic: boolean;
}

/** Whose token it is. The token itself stays in here, as long as the call lasts. */
export interface TokenHolder extends Person {
  /**
   * The repository, if this token shows it: a renamed one under its present name.
   * @throws APPROVAL_NOT_ALLOWED where the token was given away for less than acting there
   */
  see(owner: string, name: string): Promise<SeenRepository | undefined>;
}

/** @throws UNAUTHENTICATED, RATE_LIMITED, UNAVAILABLE */
export async function holderOfToken(github: TokenHolders, token: string): Promise<TokenHolder> {
  if (/^gh[su]_/.test(token)) throw new MaestroError('UNAUTHENTICATED', OF_APP);
  if (!TOKEN.test(token))
    throw new MaestroError('UNAUTHENTICATED', 'expected a GitHub token of a person: ghp_…, github_pat_… or gho_…');
  const { status, body } = await ask(github, token, '/user');
  if (status === 401) throw new MaestroError('UNAUTHENTICATED', 'GitHub does not know this token, or not any more');
  if (status === 403) throw new MaestroError('UNAUTHENTICATED', OF_APP);
  const id = numberAt(body, 'id');
  const login = textAt(body, 'login');
  if (status !== 200 || id === undefined || login === undefined) throw unexpected(status);
  if (textAt(body, 'type') !== 'User') throw new MaestroError('UNAUTHENTICATED', OF_APP);
  return { id, login, isApp: false, see: (owner, name) => see(github, token, owner, name) };
}

async function see(
  github: TokenHolders,
  token: string,
  owner: string,
  name: string,
): Promise<SeenRepository | undefined> {
  const path = `/repos/${encodeURIComponent(owner)}/${encodeURIComponent(name)}`;
  const { status, body, scopes } = await ask(github, token, path);
  if (status === 401) throw new MaestroError('UNAUTHENTICATED', 'GitHub does not take this token any more');
  // 451: blocked.
  if (status === 403 || status === 404 || status === 451) return undefined;
  const id = numberAt(body, 'id');
  const [ownerNow, nameNow] = [textAt(body, 'owner.login'), textAt(body, 'name')];
  if (status !== 200 || id === undefined || ownerNow === undefined || nameNow === undefined) throw unexpected(status);
  const isPublic = body.private === false;
  assertActs(token, scopes, isPublic);
  return { id, owner: ownerNow, name: nameNow, isPublic };
}

const FINE_GRAINED = 'github_pat_';

/**
 * Whoever signs in somewhere with GitHub gives that site a token that says who they are and may do nothing. It must not
 * speak for them here: what they did not let it write, it cannot approve.
 */
function assertActs(token: string, scopes: string | null, isPublic: boolean): void {
  // Fine-grained tokens have none: they name the repositories in which they may act.
  if (scopes === null && token.startsWith(FINE_GRAINED)) return;
  const held = (scopes ?? '').split(',').map((scope) => scope.trim());
  if (held.includes('repo') || (isPublic && held.includes('public_repo'))) return;
  throw new MaestroError(
    'APPROVAL_NOT_ALLOWED',
    `the token says who you are and may not act for you: expected one with the scope ${isPublic ? 'public_repo or repo' : 'repo'}`,
  );
}

interface Told {
  readonly status: number;
  readonly body: JsonObject;
  /** Null where the token has none. */
  readonly scopes: string | null;
}

/** Follows where a repository has gone, on the same origin alone: a redirect must not carry the token elsewhere. */
async function ask({ apiUrl, fetch }: TokenHolders, token: string, path: string): Promise<Told> {
  let url = new URL(`${apiUrl}${path}`);
  for (let left = REDIRECTS_MAX; ; left--) {
    const response = await fetch(url, { headers: headersWith(token), redirect: 'manual' }).catch(() => undefined);
    if (!response) throw new MaestroError('UNAVAILABLE', 'GitHub does not answer: try again in a moment');
    const next = REDIRECTS.has(response.status) ? locationOf(response, url) : undefined;
    if (next === undefined || next.origin !== url.origin || left === 0) return told(response);
    url = next;
  }
}

function headersWith(token: string): Readonly<Record<string, string>> {
  return { authorization: `Bearer ${token}`, accept: 'application/vnd.github+json', 'user-agent': 'maestro' };
}

function locationOf({ headers }: Response, base: URL): URL | undefined {
  const location = headers.get('location') ?? '';
  return URL.canParse(location, base.href) ? new URL(location, base) : undefined;
}

async function told(response: Response): Promise<Told> {
  const { status, headers } = response;
  const isSpent = headers.get('x-ratelimit-remaining') === '0' || headers.has('retry-after');
  if (status === 429 || (status === 403 && isSpent))
    throw new MaestroError('RATE_LIMITED', 'GitHub takes no more calls with this token for now');
  if (status >= 500) throw unexpected(status);
  const body: unknown = await response.json().catch(() => undefined);
  return { status, body: isJsonObject(body) ? body : {}, scopes: headers.get('x-oauth-scopes') };
}

function unexpected(status: number): MaestroError {
  return new MaestroError('UNAVAILABLE', `GitHub answered ${status}: try again in a moment`);
}
