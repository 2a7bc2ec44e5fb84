import type { Asset, Deployment, DeploymentStatus, Environment, Release, Repository } from '../model.ts';
import { nodeId } from '../names.ts';
import type { Fields } from '../shape.ts';
import type { World } from '../world.ts';
import { accountView, appView, pageUrl, repositoryUrl } from './repository.ts';

export function deploymentView(world: World, repository: Repository, deployment: Deployment): Fields {
  const url = `${repositoryUrl(world, repository)}/deployments/${deployment.id}`;
  const { app } = deployment;
  return {
    id: deployment.id,
    node_id: nodeId('Deployment', deployment.id),
    url,
    sha: deployment.sha,
    ref: deployment.ref,
    task: deployment.task,
    payload: deployment.payload,
    environment: deployment.environment,
    original_environment: deployment.environment,
    description: deployment.description,
    transient_environment: deployment.isTransient,
    production_environment: deployment.isProduction,
    creator: accountView(world, deployment.creator),
    created_at: deployment.createdAt,
    updated_at: deployment.statuses.at(-1)?.createdAt ?? deployment.createdAt,
    statuses_url: `${url}/statuses`,
    repository_url: repositoryUrl(world, repository),
    performed_via_github_app: app === null ? null : appView(world, app),
  };
}

export function deploymentStatusView(
  world: World,
  repository: Repository,
  deployment: Deployment,
  status: DeploymentStatus,
): Fields {
  const url = `${repositoryUrl(world, repository)}/deployments/${deployment.id}`;
  return {
    id: status.id,
    node_id: nodeId('DeploymentStatus', status.id),
    url: `${url}/statuses/${status.id}`,
    state: status.state,
    description: status.description,
    environment: deployment.environment,
    creator: accountView(world, status.creator),
    ...(status.logUrl === '' ? {} : { target_url: status.logUrl, log_url: status.logUrl }),
    ...(status.environmentUrl === '' ? {} : { environment_url: status.environmentUrl }),
    deployment_url: url,
    repository_url: repositoryUrl(world, repository),
    created_at: status.createdAt,
    updated_at: status.createdAt,
  };
}

export function environmentView(world: World, repository: Repository, environment: Environment): Fields {
  const rules = [...environment.protectionApps].map((app) => ({
    id: app.id,
    node_id: nodeId('Gate', app.id),
    type: app.slug,
  }));
  return {
    id: environment.id,
    node_id: nodeId('Environment', environment.id),
    name: environment.name,
    url: `${repositoryUrl(world, repository)}/environments/${encodeURIComponent(environment.name)}`,
    html_url: `${pageUrl(world, repository)}/deployments/activity_log?environments_filter=${encodeURIComponent(environment.name)}`,
    created_at: environment.createdAt,
    updated_at: environment.createdAt,
    protection_rules: rules,
    deployment_branch_policy: null,
  };
}

export function releaseView(world: World, repository: Repository, release: Release): Fields {
  const url = `${repositoryUrl(world, repository)}/releases/${release.id}`;
  const tag = encodeURIComponent(release.tag);
  return {
    id: release.id,
    node_id: nodeId('Release', release.id),
    url,
    html_url: `${pageUrl(world, repository)}/releases/tag/${tag}`,
    assets_url: `${url}/assets`,
    upload_url: `${world.origin}/api/uploads/repos/${repository.owner.login}/${repository.name}/releases/${release.id}/assets{?name,label}`,
    tarball_url: release.isDraft ? null : `${repositoryUrl(world, repository)}/tarball/${tag}`,
    zipball_url: release.isDraft ? null : `${repositoryUrl(world, repository)}/zipball/${tag}`,
    tag_name: release.tag,
    target_commitish: release.target,
    name: release.name,
    body: release.body,
    draft: release.isDraft,
    prerelease: release.isPrerelease,
    immutable: repository.hasImmutableReleases && !release.isDraft,
    created_at: release.createdAt,
    updated_at: release.createdAt,
    published_at: release.publishedAt,
    author: accountView(world, release.author),
    assets: release.assets.map((asset) => assetView(world, repository, release, asset)),
  };
}

export function assetView(world: World, repository: Repository, release: Release, asset: Asset): Fields {
  return {
    id: asset.id,
    node_id: nodeId('ReleaseAsset', asset.id),
    url: `${repositoryUrl(world, repository)}/releases/assets/${asset.id}`,
    browser_download_url: `${pageUrl(world, repository)}/releases/download/${encodeURIComponent(release.tag)}/${encodeURIComponent(asset.name)}`,
    name: asset.name,
    label: asset.label,
    state: asset.state,
    content_type: asset.contentType,
    size: asset.content.length,
    digest: asset.digest,
    download_count: 0,
    created_at: asset.createdAt,
    updated_at: asset.createdAt,
    uploader: accountView(world, asset.uploader),
  };
}
