import { ApiError } from '../api-error.ts';
import { type Call, found, listed, type Reply, type Routes } from '../call.ts';
import type { Repository } from '../model.ts';
import { commitView, commitWithFiles, fileView } from '../view/commit.ts';
import { pullView } from '../view/pull.ts';
import { pageUrl, repositoryUrl } from '../view/repository.ts';

const COMMITS_MAX = 1000;
const FILES_MAX = 300;

export const COMMITS: Routes = {
  'repos/get-commit': async (call) => {
    const sha = await commitOf(call, call.param('ref'));
    return { status: 200, body: await commitWithFiles(call.world, call.repository, sha) };
  },
  'repos/list-commits': async (call) => {
    const { world, repository } = call;
    const start = await commitOf(call, call.query('sha') ?? repository.defaultBranch);
    const { items, headers } = call.page(await repository.git.log([start], COMMITS_MAX, call.query('path')));
    const views = [];
    for (const sha of items) views.push(await commitView(world, repository, sha));
    return { status: 200, body: views, headers };
  },
  'repos/compare-commits-with-basehead': compare,
  'repos/list-pull-requests-associated-with-commit': async (call) => {
    const { world, repository } = call;
    const sha = await commitOf(call, call.param('commit_sha'));
    const views = [];
    for (const pull of repository.pulls.values()) {
      const isOf =
        pull.headSha === sha || pull.mergeSha === sha || (await repository.git.isAncestor(sha, pull.headSha));
      if (isOf) views.push(await pullView(world, repository, pull));
    }
    return listed(call, views, (view) => view);
  },
};

/** A name of a commit as the API takes it: SHA, branch, tag, or `heads/…`; 422 where GitHub says so. */
export async function commitOf(call: Call, name: string): Promise<string> {
  const sha = await call.repository.git.resolve(name);
  if (sha === null) throw new ApiError(422, `No commit found for SHA: ${name}`);
  return sha;
}

/** Three dots: what the head has since both sides parted. */
async function compare(call: Call): Promise<Reply> {
  const { world, repository } = call;
  const { git } = repository;
  const [baseName = '', headName = ''] = call.param('basehead').split('...');
  const base = await sideOf(call, baseName);
  const head = await sideOf(call, headName);
  const fork = found((await git.mergeBase(base, head)) ?? undefined);
  const ahead = await git.log([`${fork}..${head}`], COMMITS_MAX);
  const behind = await git.log([`${fork}..${base}`], COMMITS_MAX);
  const { items, headers } = call.page(ahead.toReversed());
  const commits = [];
  for (const sha of items) commits.push(await commitView(world, repository, sha));
  const files = (await git.files(fork, head)).slice(0, FILES_MAX);
  const url = `${repositoryUrl(world, repository)}/compare/${base}...${head}`;
  const page = `${pageUrl(world, repository)}/compare/${base}...${head}`;
  const status =
    ahead.length === 0 ? (behind.length === 0 ? 'identical' : 'behind') : behind.length === 0 ? 'ahead' : 'diverged';
  const body = {
    url,
    html_url: page,
    permalink_url: page,
    diff_url: `${page}.diff`,
    patch_url: `${page}.patch`,
    base_commit: await commitView(world, repository, base),
    merge_base_commit: await commitView(world, repository, fork),
    status,
    ahead_by: ahead.length,
    behind_by: behind.length,
    total_commits: ahead.length,
    commits,
    files: files.map((file) => fileView(world, repository, head, file)),
  };
  return { status: 200, body, headers };
}

/** One side of a comparison: `branch`, `sha`, or `owner:branch` of a fork, whose objects are brought over. */
async function sideOf(call: Call, name: string): Promise<string> {
  const [owner = '', branch] = name.split(':');
  const { world, repository } = call;
  if (branch === undefined) return found((await repository.git.resolve(name)) ?? undefined);
  const relatives = [...world.repositories.values()].filter(
    (other) => other.owner.login === owner && isKin(other, repository),
  );
  const other = found(relatives[0]);
  const sha = found((await other.git.resolve(branch)) ?? undefined);
  if (other.id !== repository.id) await repository.git.text(['fetch', '--quiet', '--no-tags', other.git.folder, sha]);
  return sha;
}

function isKin(one: Repository, other: Repository): boolean {
  return (one.parent ?? one).id === (other.parent ?? other).id;
}
