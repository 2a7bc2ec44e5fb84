import { showCheck } from './views/check.js';
import { showCode, showFile } from './views/code.js';
import { showCommit } from './views/commit.js';
import { showDeployments } from './views/deployments.js';
import { editFile } from './views/edit.js';
import { newPull, showPull, showPulls } from './views/pulls.js';
import { showReleases } from './views/releases.js';
import { showRepositories } from './views/repositories.js';
import { showJob, showRun, showRuns } from './views/runs.js';

/** Addresses as on GitHub, so that every `html_url` leads to what it names. The first that fits counts. */
const ROUTES = [
  ['/', showRepositories, null],
  ['/:owner/:repo', showCode, 'Code'],
  ['/:owner/:repo/tree/*path', showCode, 'Code'],
  ['/:owner/:repo/blob/*path', showFile, 'Code'],
  ['/:owner/:repo/edit/*path', editFile, 'Code'],
  ['/:owner/:repo/new/*path', editFile, 'Code'],
  ['/:owner/:repo/commit/:sha', showCommit, 'Code'],
  ['/:owner/:repo/pulls', showPulls, 'Pull requests'],
  ['/:owner/:repo/compare', newPull, 'Pull requests'],
  ['/:owner/:repo/compare/*path', newPull, 'Pull requests'],
  ['/:owner/:repo/pull/:number', showPull, 'Pull requests'],
  ['/:owner/:repo/issues/:number', showPull, 'Pull requests'],
  ['/:owner/:repo/pull/:number/:part', showPull, 'Pull requests'],
  ['/:owner/:repo/runs/:check', showCheck, 'Actions'],
  ['/:owner/:repo/actions', showRuns, 'Actions'],
  ['/:owner/:repo/actions/runs/:run', showRun, 'Actions'],
  ['/:owner/:repo/actions/runs/:run/job/:job', showJob, 'Actions'],
  ['/:owner/:repo/deployments', showDeployments, 'Deployments'],
  ['/:owner/:repo/deployments/*path', showDeployments, 'Deployments'],
  ['/:owner/:repo/releases', showReleases, 'Releases'],
  ['/:owner/:repo/releases/*path', showReleases, 'Releases'],
].map(([pattern, view, tab]) => ({ pattern: compile(pattern), view, tab }));

export function matchRoute(path) {
  const plain = path.length > 1 ? path.replace(/\/+$/, '') : path;
  for (const { pattern, view, tab } of ROUTES) {
    const match = pattern.exec(plain);
    if (!match) continue;
    const params = Object.fromEntries(
      Object.entries(match.groups ?? {}).map(([name, text]) => [name, decodeURIComponent(text)]),
    );
    return { view, tab, params };
  }
  return { view: missing, tab: null, params: {} };
}

function compile(pattern) {
  const source = pattern.replaceAll(/:(\w+)/g, '(?<$1>[^/]+)').replaceAll(/\*(\w+)/g, '(?<$1>.+)');
  return new RegExp(`^${source}$`);
}

function missing() {
  throw new Error('There is no page at this address.');
}
