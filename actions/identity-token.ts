import { MaestroError, messageOf } from '../src/base/errors.ts';
import { isJsonObject } from '../src/base/json.ts';
import type { JobEnvironment } from './job-environment.ts';

const TRIES_MAX = 3;
const ANSWER_MS_MAX = 20_000;

/**
 * The job's OpenID Connect token, which says what job this is to nobody but `audience`.
 *
 * @throws MaestroError CONFIG_INVALID where the workflow does not permit it, NETWORK_FAILED
 * @source https://docs.github.com/en/actions/reference/openid-connect-reference
 */
export async function identityToken(
  env: JobEnvironment,
  audience: string,
  wait: (ms: number) => Promise<unknown>,
): Promise<string> {
  const { ACTIONS_ID_TOKEN_REQUEST_URL: address, ACTIONS_ID_TOKEN_REQUEST_TOKEN: permit } = env;
  if (!address || !permit)
    throw new MaestroError(
      'CONFIG_INVALID',
      'this job may not ask for an identity token: give the workflow `permissions: { contents: read, id-token: write }`' +
        ' (a pull request of a fork never gets one)',
    );
  const url = new URL(address);
  url.searchParams.set('audience', audience);
  for (let attempt = 1; ; attempt++) {
    try {
      return await request(url, permit);
    } catch (error) {
      if (attempt === TRIES_MAX)
        throw new MaestroError('NETWORK_FAILED', `GitHub gave no identity token: ${messageOf(error)}`, {
          cause: error,
        });
      await wait(1000 * attempt);
    }
  }
}

async function request(url: URL, permit: string): Promise<string> {
  const answer = await fetch(url, {
    headers: { authorization: `Bearer ${permit}`, accept: 'application/json' },
    signal: AbortSignal.timeout(ANSWER_MS_MAX),
  });
  if (!answer.ok) throw new Error(`expected status 200, got ${answer.status}`);
  const body: unknown = await answer.json();
  const token = isJsonObject(body) ? body.value : undefined;
  if (typeof token !== 'string' || token === '') throw new Error('expected `value` in the answer');
  return token;
}
