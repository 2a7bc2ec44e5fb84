import { ApiError, invalid } from '../api-error.ts';
import { suspended } from '../authenticate.ts';
import { type Call, found, listed, type Reply, type Routes } from '../call.ts';
import type { Account, Installation, Permissions, Repository } from '../model.ts';
import type { Fields } from '../shape.ts';
import { accountView, appView, installationView, repositoryView } from '../view/repository.ts';
import type { HookDelivery } from '../webhooks.ts';

export const APPS: Routes = {
  'apps/get-authenticated': (call) => ({ status: 200, body: appView(call.world, call.app) }),
  'apps/list-installations': (call) => {
    const own = [...call.world.installations.values()].filter(({ app }) => app.id === call.app.id);
    return listed(call, own, (installation) => installationView(call.world, installation));
  },
  'apps/get-installation': (call) => ({ status: 200, body: installationView(call.world, ownInstallation(call)) }),
  'apps/get-repo-installation': (call) => {
    const repository = call.world.repository(call.param('owner'), call.param('repo'));
    const own = call.world.installationsOf(repository).find(({ app }) => app.id === call.app.id);
    return { status: 200, body: installationView(call.world, found(own)) };
  },
  'apps/create-installation-access-token': createToken,
  'apps/list-repos-accessible-to-installation': (call) => {
    const { credential } = call.parts;
    if (credential.kind !== 'installation')
      throw new ApiError(403, 'You must authenticate with an installation access token');
    const own = [...call.world.repositories.values()].filter((item) => call.world.reaches(credential, item));
    const reply = listed(call, own, (repository) => repositoryView(call.world, repository), 'repositories');
    return reply;
  },
  'apps/list-webhook-deliveries': listDeliveries,
  'apps/get-webhook-delivery': (call) => ({ status: 200, body: deliveryView(ownDelivery(call)) }),
  'apps/redeliver-webhook-delivery': (call) => {
    call.world.webhooks.redeliver(call.app, ownDelivery(call));
    return { status: 202, body: {} };
  },
  'apps/get-webhook-config-for-app': (call) => ({
    status: 200,
    body: { content_type: 'json', secret: '********', url: call.app.webhookUrl, insecure_ssl: '0' },
  }),
  'users/get-authenticated': (call) => ({ status: 200, body: accountView(call.world, call.actor) }),
  'users/get-by-username': (call) => profile(call, call.world.account(call.param('username'))),
  'users/get-by-id': (call) => {
    const { accounts } = call.world;
    return profile(call, found([...accounts.values()].find(({ id }) => id === call.number('account_id'))));
  },
  'rate-limit/get': rateLimit,
};

function profile({ world }: Call, account: Account): Reply {
  const body = { ...accountView(world, account), created_at: world.now(), updated_at: world.now() };
  return { status: 200, body };
}

function ownInstallation(call: Call): Installation {
  const installation = found(call.world.installations.get(call.number('installation_id')));
  return found(installation.app.id === call.app.id ? installation : undefined);
}

function activeInstallation(call: Call): Installation {
  const installation = ownInstallation(call);
  if (installation.suspendedAt !== null) throw suspended();
  return installation;
}

/** A token may be narrower than its installation, never wider. */
function createToken(call: Call): Reply {
  const installation = activeInstallation(call);
  const {
    repository_ids: ids,
    repositories: names,
    permissions: asked,
  } = call.body as {
    repository_ids?: readonly number[];
    repositories?: readonly string[];
    permissions?: Permissions;
  };
  const reachable = [...installation.repositoryIds].flatMap((id) => call.world.repositories.get(id) ?? []);
  const chosen = reachable.filter(
    ({ id, name }) =>
      (ids === undefined && names === undefined) || ids?.includes(id) === true || names?.includes(name) === true,
  );
  if (chosen.length < (ids?.length ?? 0) + (names?.length ?? 0)) {
    throw invalid(
      'There is at least one repository that does not exist or is not accessible to the parent installation.',
    );
  }
  for (const [name, access] of Object.entries(asked ?? {})) {
    const granted = installation.permissions[name];
    if (granted === undefined || (access === 'write' && granted === 'read')) {
      throw invalid('The permissions requested are not granted to this installation.');
    }
  }
  const permissions = asked === undefined ? installation.permissions : { metadata: 'read', ...asked };
  const { token, expiresAt } = call.world.issueToken(installation, permissions, new Set(chosen.map(({ id }) => id)));
  return {
    status: 201,
    body: tokenView(call, { token, expiresAt, permissions, chosen, isNarrow: chosen.length < reachable.length }),
  };
}

function tokenView(
  call: Call,
  token: {
    token: string;
    expiresAt: string;
    permissions: Permissions;
    chosen: readonly Repository[];
    isNarrow: boolean;
  },
): Fields {
  return {
    token: token.token,
    expires_at: token.expiresAt,
    permissions: token.permissions,
    repository_selection: 'selected',
    ...(token.isNarrow
      ? { repositories: token.chosen.map((repository) => repositoryView(call.world, repository)) }
      : {}),
  };
}

/** Newest first, by cursor: the id of the delivery to go on from. */
function listDeliveries(call: Call): Reply {
  const size = Math.min(100, Number(call.query('per_page') ?? 30));
  const cursor = Number(call.query('cursor') ?? Number.POSITIVE_INFINITY);
  const own = call.world.webhooks.log.filter(({ appId, id }) => appId === call.app.id && id <= cursor).toReversed();
  const page = own.slice(0, size);
  const next = own[size];
  const link = `<${call.world.apiUrl}/app/hook/deliveries?per_page=${size}&cursor=${next?.id ?? 0}>; rel="next"`;
  return { status: 200, body: page.map(deliveryItem), headers: next === undefined ? {} : { link } };
}

function ownDelivery(call: Call): HookDelivery {
  const id = call.number('delivery_id');
  return found(call.world.webhooks.log.find((delivery) => delivery.id === id && delivery.appId === call.app.id));
}

function deliveryItem(delivery: HookDelivery): Fields {
  return {
    id: delivery.id,
    guid: delivery.guid,
    delivered_at: delivery.deliveredAt,
    redelivery: delivery.isRedelivery,
    duration: delivery.durationMs / 1000,
    status: delivery.status,
    status_code: delivery.statusCode,
    event: delivery.event,
    action: delivery.action,
    installation_id: delivery.installationId,
    repository_id: delivery.repositoryId,
    throttled_at: null,
  };
}

function deliveryView(delivery: HookDelivery): Fields {
  return {
    ...deliveryItem(delivery),
    request: { headers: delivery.requestHeaders, payload: delivery.payload },
    response: { headers: {}, payload: null },
  };
}

function rateLimit(call: Call): Reply {
  const { credential, limiter } = call.parts;
  const caller = credential.kind === 'installation' ? `installation ID ${credential.installation.id}` : 'anonymous';
  const headers = limiter.headers(credential.kind === 'user' ? credential.account.login : caller);
  const core = {
    limit: Number(headers['x-ratelimit-limit']),
    remaining: Number(headers['x-ratelimit-remaining']),
    used: Number(headers['x-ratelimit-used']),
    reset: Number(headers['x-ratelimit-reset']),
  };
  return { status: 200, body: { resources: { core, search: core }, rate: core } };
}
