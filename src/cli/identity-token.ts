import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { MaestroError } from '../base/errors.ts';
import { isSafeUrl } from '../base/safe-url.ts';
import type { Arguments } from './arguments.ts';
import type { CommandContext } from './context.ts';

/** What Fulcio wants a token to be for. */
const AUDIENCE = 'sigstore';
const ASK_MS_MAX = 10_000;
const ANSWER_BYTES_MAX = 65_536;

/**
 * A token that says who signs: of a file, or of the job of GitHub Actions that this is a part of.
 * @throws USAGE where there is neither, FILE_NOT_READABLE, SIGNER_UNAVAILABLE where GitHub gives none; never with a token
 */
export async function readIdentityToken(args: Arguments, context: CommandContext): Promise<string> {
  const file = args.text('identity-token-file');
  if (file !== undefined) return readTokenFile(resolve(context.cwd, file));
  const url = context.environment('ACTIONS_ID_TOKEN_REQUEST_URL');
  const token = context.environment('ACTIONS_ID_TOKEN_REQUEST_TOKEN');
  if (url === undefined || token === undefined)
    throw new MaestroError(
      'USAGE',
      'expected --identity-token-file FILE, or a job of GitHub Actions with `permissions: id-token: write`',
    );
  return askGitHub(url, token, context.fetch);
}

function readTokenFile(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat?.isFile() || stat.size > ANSWER_BYTES_MAX)
    throw new MaestroError('FILE_NOT_READABLE', `expected a file with an identity token at ${path}`);
  return readFileSync(path, 'utf8').trim();
}

/** @source https://docs.github.com/actions/reference/security/oidc#methods-for-requesting-the-oidc-token */
async function askGitHub(url: string, token: string, fetch: CommandContext['fetch']): Promise<string> {
  if (!isSafeUrl(url)) throw new MaestroError('CONFIG_INVALID', 'expected ACTIONS_ID_TOKEN_REQUEST_URL to be https');
  const address = new URL(url);
  address.searchParams.set('audience', AUDIENCE);
  const headers = { authorization: `Bearer ${token}`, accept: 'application/json' };
  try {
    // A redirection would take the token along to wherever it points.
    const signal = AbortSignal.timeout(ASK_MS_MAX);
    const answer = await fetch(address, { headers, redirect: 'error', signal });
    if (answer.ok) return tokenOf(await answer.text());
    await answer.body?.cancel();
  } catch {
    // Whatever it was, its words may hold what was sent.
  }
  throw new MaestroError('SIGNER_UNAVAILABLE', 'expected an identity token of this job: GitHub gave none');
}

function tokenOf(text: string): string {
  if (text.length > ANSWER_BYTES_MAX) throw new Error('too long');
  const { value } = JSON.parse(text) as { readonly value?: unknown };
  if (typeof value !== 'string') throw new Error('no token');
  return value;
}
