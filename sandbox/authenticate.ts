import { createPublicKey } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { decodeJwt, jwtVerify } from 'jose';
import { ApiError } from './api-error.ts';
import type { Credential } from './model.ts';
import type { Operation } from './openapi.ts';
import type { NeededPermission } from './permissions.ts';
import { neededPermissions } from './permissions.ts';
import type { World } from './world.ts';

/** GitHub refuses JWTs that live longer than this. */
const JWT_SECONDS_MAX = 600;
/** The part of an operation that a reader may do: talk, and propose. */
const OPEN_TO_READERS =
  /^(issues\/(create|update|delete)-comment|pulls\/(create|update)|pulls\/(create|submit)-review|reactions\/|repos\/create-fork)/;

export async function authenticate(world: World, headers: IncomingHttpHeaders): Promise<Credential> {
  const [scheme = '', value = ''] = (headers.authorization ?? '').split(' ');
  if (scheme === '') return { kind: 'anonymous' };
  if (scheme.toLowerCase() === 'basic') return basicCredential(world, value);
  if (scheme.toLowerCase() === 'bearer' && value.split('.').length === 3) return await appCredential(world, value);
  return world.credentialOf(value);
}

function basicCredential(world: World, value: string): Credential {
  const [user = '', ...rest] = Buffer.from(value, 'base64').toString().split(':');
  const password = rest.join(':');
  return world.credentialOf(password === '' || password === 'x-oauth-basic' ? user : password);
}

async function appCredential(world: World, jwt: string): Promise<Credential> {
  const refusal = new ApiError(401, 'A JSON web token could not be decoded');
  try {
    const app = world.apps.get(Number(decodeJwt(jwt).iss));
    if (app === undefined) throw refusal;
    const key = createPublicKey(app.publicKey.export({ type: 'spki', format: 'pem' }));
    const { payload } = await jwtVerify(jwt, key, {
      algorithms: ['RS256'],
      currentDate: new Date(world.nowMs()),
      clockTolerance: 60,
      requiredClaims: ['iat', 'exp'],
    });
    if ((payload.exp ?? 0) - world.nowMs() / 1000 > JWT_SECONDS_MAX) {
      throw new ApiError(401, "'Expiration time' claim ('exp') is too far in the future");
    }
    return { kind: 'app', app };
  } catch (error) {
    throw error instanceof ApiError ? error : refusal;
  }
}

/** Whether this caller may do this at all. Whether the repository exists for them is a question of the handler. */
export function authorize(
  world: World,
  credential: Credential,
  operation: Operation,
  params: Readonly<Record<string, string>>,
): void {
  if (isForApps(operation)) {
    if (credential.kind !== 'app') throw new ApiError(401, 'A JSON web token could not be decoded');
    return;
  }
  if (operation.id === 'rate-limit/get' || operation.id === 'meta/get') return;
  if (credential.kind === 'app') throw new ApiError(403, 'Resource not accessible by integration');
  const needs = neededPermissions(operation);
  if (credential.kind === 'installation') authorizeInstallation(world, credential, operation, params, needs);
  else if (credential.kind === 'user') authorizeUser(world, credential, operation, params, needs ?? []);
  else if (operation.method !== 'GET') throw new ApiError(401, 'Requires authentication');
}

/** These take a JWT of the app itself and nothing else. */
function isForApps({ id, path }: Operation): boolean {
  return path === '/app' || path.startsWith('/app/') || /^apps\/get-(repo|org|user)-installation$/.test(id);
}

function authorizeInstallation(
  world: World,
  credential: Extract<Credential, { kind: 'installation' }>,
  operation: Operation,
  { owner, repo }: Readonly<Record<string, string>>,
  needs: readonly NeededPermission[] | null,
): void {
  const accepted = (needs ?? []).map(({ permission, access }) => `${permission}=${access}`).join('; ');
  const refusal = new ApiError(403, 'Resource not accessible by integration', {
    headers: { 'x-accepted-github-permissions': accepted },
  });
  if (credential.installation.suspendedAt !== null) throw suspended();
  if (needs === null) throw refusal;
  if (owner !== undefined && repo !== undefined) {
    const repository = world.repository(owner, repo);
    const isInside = world.reaches(credential, repository);
    if (!isInside && repository.isPrivate) throw new ApiError(404, 'Not Found');
    if (!isInside && operation.method !== 'GET') throw refusal;
    if (!isInside) return; // everybody reads public repositories
  }
  const isGranted = needs.some(({ permission, access }) =>
    grants(credential.permissions[permission], permission, access),
  );
  if (!isGranted) throw refusal;
}

export function suspended(): ApiError {
  return new ApiError(403, 'This installation has been suspended');
}

function grants(granted: string | undefined, permission: string, access: NeededPermission['access']): boolean {
  if (permission === 'metadata' && access === 'read') return true;
  return granted === 'write' || granted === 'admin' || (granted === 'read' && access === 'read');
}

function authorizeUser(
  world: World,
  { account }: Extract<Credential, { kind: 'user' }>,
  operation: Operation,
  { owner, repo }: Readonly<Record<string, string>>,
  needs: readonly NeededPermission[],
): void {
  if (
    operation.id.startsWith('checks/') &&
    operation.method !== 'GET' &&
    !operation.id.startsWith('checks/rerequest')
  ) {
    throw new ApiError(403, 'You must authenticate via a GitHub App.');
  }
  if (owner === undefined || repo === undefined || operation.method === 'GET') return;
  const repository = world.repository(owner, repo);
  if (world.roleOf(account, repository) === null) throw new ApiError(404, 'Not Found');
  if (OPEN_TO_READERS.test(operation.id)) return;
  const isAdministration = needs.some(
    ({ permission }) => permission === 'administration' || permission === 'environments',
  );
  const role = isAdministration ? 'admin' : operation.id.includes('label') ? 'triage' : 'write';
  if (!world.hasRole(account, repository, role)) {
    throw new ApiError(403, `Must have ${role} rights to Repository.`);
  }
}
