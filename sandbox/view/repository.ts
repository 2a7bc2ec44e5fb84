import type { Account, App, Installation, Repository } from '../model.ts';
import { fullName, nodeId } from '../names.ts';
import type { Fields } from '../shape.ts';
import type { World } from '../world.ts';

export function accountView(world: World, { id, login, type }: Account): Fields {
  const url = `${world.apiUrl}/users/${encodeURIComponent(login)}`;
  return {
    id,
    login,
    type,
    node_id: nodeId('User', id),
    avatar_url: `${world.origin}/_sandbox/page/icon.svg`,
    gravatar_id: '',
    url,
    html_url: type === 'Bot' ? `${world.origin}/apps/${login.replace('[bot]', '')}` : `${world.origin}/${login}`,
    followers_url: `${url}/followers`,
    following_url: `${url}/following{/other_user}`,
    gists_url: `${url}/gists{/gist_id}`,
    starred_url: `${url}/starred{/owner}{/repo}`,
    subscriptions_url: `${url}/subscriptions`,
    organizations_url: `${url}/orgs`,
    repos_url: `${url}/repos`,
    events_url: `${url}/events{/privacy}`,
    received_events_url: `${url}/received_events`,
    site_admin: false,
    email: null,
    description: '',
  };
}

/** An organization as events show it: its addresses are templates elsewhere and plain here. */
export function organizationView(world: World, { id, login }: Account): Fields {
  const url = `${world.apiUrl}/orgs/${login}`;
  return {
    id,
    login,
    node_id: nodeId('Organization', id),
    url,
    html_url: `${world.origin}/${login}`,
    repos_url: `${url}/repos`,
    events_url: `${url}/events`,
    hooks_url: `${url}/hooks`,
    issues_url: `${url}/issues`,
    members_url: `${url}/members{/member}`,
    public_members_url: `${url}/public_members{/member}`,
    avatar_url: `${world.origin}/_sandbox/page/icon.svg`,
    description: '',
  };
}

export function repositoryUrl(world: World, repository: Repository): string {
  return `${world.apiUrl}/repos/${fullName(repository)}`;
}

export function pageUrl(world: World, repository: Repository): string {
  return `${world.origin}/${fullName(repository)}`;
}

export function repositoryView(world: World, repository: Repository): Fields {
  const page = pageUrl(world, repository);
  return {
    id: repository.id,
    node_id: nodeId('Repository', repository.id),
    name: repository.name,
    full_name: fullName(repository),
    owner: accountView(world, repository.owner),
    private: repository.isPrivate,
    visibility: repository.isPrivate ? 'private' : 'public',
    html_url: page,
    url: repositoryUrl(world, repository),
    clone_url: `${page}.git`,
    git_url: `${page}.git`,
    ssh_url: `${page}.git`,
    svn_url: page,
    description: null,
    fork: repository.parent !== null,
    default_branch: repository.defaultBranch,
    created_at: repository.createdAt,
    updated_at: repository.createdAt,
    pushed_at: repository.pushedAt,
    has_issues: true,
    forks: 0,
    topics: [],
    is_template: false,
    web_commit_signoff_required: false,
    allow_forking: true,
    archived: repository.isArchived,
    disabled: false,
    forks_count: [...world.repositories.values()].filter(({ parent }) => parent?.id === repository.id).length,
    license: null,
  };
}

export function appView(world: World, app: App): Fields {
  return {
    id: app.id,
    slug: app.slug,
    node_id: nodeId('App', app.id),
    name: app.name,
    owner: accountView(world, app.bot),
    description: '',
    external_url: 'https://example.com/',
    html_url: `${world.origin}/apps/${app.slug}`,
    created_at: app.createdAt,
    updated_at: app.createdAt,
    permissions: app.permissions,
    events: app.events,
    client_id: `Iv1.${app.id}`,
  };
}

export function installationView(world: World, installation: Installation): Fields {
  const { id, app, account } = installation;
  return {
    id,
    account: accountView(world, account),
    app_id: app.id,
    app_slug: app.slug,
    client_id: `Iv1.${app.id}`,
    target_id: account.id,
    target_type: account.type,
    repository_selection: 'selected',
    access_tokens_url: `${world.apiUrl}/app/installations/${id}/access_tokens`,
    repositories_url: `${world.apiUrl}/installation/repositories`,
    html_url: `${world.origin}/settings/installations/${id}`,
    permissions: installation.permissions,
    events: app.events,
    created_at: installation.createdAt,
    updated_at: installation.createdAt,
    single_file_name: null,
    suspended_at: installation.suspendedAt,
    suspended_by: installation.suspendedAt === null ? null : accountView(world, account),
  };
}
