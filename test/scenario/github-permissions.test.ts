import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ProbotOctokit } from 'probot';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readAppManifest } from '../../app/app-manifest.ts';
import { ClaimFailed, type Narrator } from '../../app/demo/narrator.ts';
import { openStage, type Stage } from '../../app/demo/stage.ts';
import { tellStory } from '../../app/demo/story.ts';
import { HOUSE } from '../../app/house.ts';
import { handlersByEvent } from '../../app/server/handlers.ts';
import { neededPermissions } from '../../sandbox/permissions.ts';
import { commandHandlers } from '../../src/github/commands/command-handlers.ts';
import { gateNewsHandlers } from '../../src/github/deployments/gate-news.ts';
import { codeHandlers } from '../../src/github/intake/code-handlers.ts';
import { installationHandlers } from '../../src/github/intake/installation-handlers.ts';
import { openJobHandlers } from '../../src/github/jobs.ts';
import { protectionHandlers } from '../../src/github/protection/protection-handlers.ts';
import { releaseHandlers } from '../../src/github/release/release-handlers.ts';

interface CodeCall {
  readonly method: string;
  /** `/repos/{owner}/{repo}/check-runs` */
  readonly path: string;
}

const { default_permissions: PERMISSIONS, default_events: EVENTS } = readAppManifest();
type Access = 'none' | 'read' | 'write';
const LEVELS: readonly Access[] = ['none', 'read', 'write'];

/** Made by path in `src/github/dispatch.ts`, which speaks several versions of the API. */
const CALLS_BY_PATH = [
  'POST /repos/{owner}/{repo}/actions/workflows/{workflow_id}/dispatches',
  'POST /repos/{owner}/{repo}/actions/runs/{run_id}/cancel',
  'GET /repos/{owner}/{repo}/actions/workflows/{workflow_id}/runs',
  'GET /repos/{owner}/{repo}/actions/runs/{run_id}',
  'GET /repos/{owner}/{repo}/actions/runs/{run_id}/jobs',
];
/** An App as itself, or anybody, may call these. */
const FREE = [/^\/app(\/|$)/, /^\/repos\/\{owner\}\/\{repo\}\/installation$/];
/** docs.github.com, "Webhook events and payloads": what an App needs to subscribe, read access each. */
const EVENT_PERMISSIONS: Readonly<Record<string, string>> = {
  check_run: 'checks',
  check_suite: 'checks',
  deployment_protection_rule: 'deployments',
  deployment_status: 'deployments',
  issue_comment: 'issues',
  merge_group: 'merge_queues',
  pull_request: 'pull_requests',
  pull_request_review: 'pull_requests',
  pull_request_review_comment: 'pull_requests',
  push: 'contents',
  release: 'contents',
  repository: 'metadata',
  status: 'statuses',
  workflow_job: 'actions',
  workflow_run: 'actions',
};
/** Sent to every App, and not for it to choose. */
const ALWAYS_SENT = ['installation', 'installation_repositories', 'installation_target'];
const OCTOKIT = new ProbotOctokit({}) as unknown as {
  readonly rest: Readonly<Record<string, Readonly<Record<string, Named>>>>;
};
const SILENT: Narrator = {
  act: () => {},
  say: () => {},
  claim: (text, isTrue) => {
    if (!isTrue) throw new ClaimFailed(text);
  },
};

describe('app.yml', () => {
  const calls = callsOfCode();

  it('lets the App make every call that its code can make', () => {
    expect(calls.length).toBeGreaterThan(25);
    expect(calls.filter((call) => !isAllowed(call, PERMISSIONS)).map(textOf)).toEqual([]);
  });

  it('lets it hear of every event that it asks for', () => {
    expect(EVENTS.filter((event) => !isHeard(event, PERMISSIONS))).toEqual([]);
  });

  it.each(Object.keys(PERMISSIONS).filter((name) => name !== 'metadata'))(
    'asks for no more of %s than is used',
    (name) => {
      const level = LEVELS.indexOf(PERMISSIONS[name] ?? 'none');
      const less = { ...PERMISSIONS, [name]: LEVELS[level - 1] as 'read' };
      const lost = [
        ...calls.filter((call) => !isAllowed(call, less)).map(textOf),
        ...EVENTS.filter((event) => !isHeard(event, less)),
      ];
      expect(lost).not.toEqual([]);
    },
  );

  it('names exactly the events that the server handles', () => {
    const handlers = [
      codeHandlers,
      commandHandlers,
      openJobHandlers,
      installationHandlers,
      protectionHandlers,
      gateNewsHandlers,
      releaseHandlers,
    ].map((open) => open({} as never));
    const handled = Object.keys(handlersByEvent(...handlers));
    expect(handled.filter((event) => !ALWAYS_SENT.includes(event)).toSorted()).toEqual(EVENTS.toSorted());
  });
});

describe('the story', () => {
  let stage: Stage;
  let output = '';
  beforeAll(async () => {
    output = mkdtempSync(join(tmpdir(), 'maestro-permissions-'));
    stage = await openStage({ output });
  });
  afterAll(async () => {
    await stage.close();
    rmSync(output, { recursive: true, force: true });
  });

  it('is told with calls of that list alone, each allowed and each valid', { timeout: 300_000 }, async () => {
    await tellStory(stage, SILENT);
    const people = [stage.ada, stage.grace, stage.hugo, stage.mallory].map(({ login }) => login);
    const made = stage.sandbox.calls().filter(({ caller }) => caller !== null && !people.includes(caller));
    const known = callsOfCode().map((call) => ({ ...call, pattern: patternOf(call.path) }));
    expect(made.length).toBeGreaterThan(50);
    expect(
      made
        .filter(
          ({ method, path }) =>
            !path.endsWith('/access_tokens') &&
            !known.some((call) => call.method === method && call.pattern.test(path)),
        )
        .map(({ method, path }) => `${method} ${path}`),
    ).toEqual([]);
    // People in a hurry reach GitHub's limit of writes a minute. What was done at all is not refused for want of a permission.
    const allowed = new Set(made.filter(({ status }) => status < 300).map(({ operation }) => operation));
    const refused = made.filter(({ status }) => status === 401 || status === 403);
    expect(refused.filter(({ operation }) => !allowed.has(operation))).toEqual([]);
    expect(stage.sandbox.violations()).toEqual([]);
  });
});

/** Every call to GitHub's REST API that stands in the source. */
function callsOfCode(): readonly CodeCall[] {
  const paths = globSync(['src/**/*.ts', 'app/*.ts', 'app/server/*.ts'], { cwd: HOUSE });
  const found = paths.flatMap((path) => callsIn(path, readFileSync(join(HOUSE, path), 'utf8')));
  return [...new Set([...found, ...CALLS_BY_PATH])].map((text) => {
    const [method = '', path = ''] = text.split(' ');
    return { method, path };
  });
}

function callsIn(path: string, text: string): readonly string[] {
  const byPath = [...text.matchAll(/\.call\(\s*'(?:GET|POST|PATCH|PUT|DELETE)'/g)].length;
  if (byPath !== (path === 'src/github/dispatch.ts' ? CALLS_BY_PATH.length : 0))
    throw new Error(`${path} makes ${byPath} calls by path: say here which`);
  const named = [...text.matchAll(/\.rest\s*\.(\w+)\s*\.(\w+)/g)].map(([, scope = '', name = '']) => {
    const endpoint = OCTOKIT.rest[scope]?.[name]?.endpoint;
    if (endpoint === undefined) throw new Error(`${path}: octokit.rest.${scope}.${name} is not known`);
    return `${endpoint.DEFAULTS.method} ${endpoint.DEFAULTS.url}`;
  });
  const written = [...text.matchAll(/\.request\('([A-Z]+ \/[^']*)'/g)].map(([, call = '']) => call);
  return [...named, ...written];
}

interface Named {
  readonly endpoint: { readonly DEFAULTS: { readonly method: string; readonly url: string } };
}

type Granted = Readonly<Record<string, Access>>;

function isAllowed({ method, path }: CodeCall, granted: Granted): boolean {
  if (FREE.some((pattern) => pattern.test(path))) return true;
  const needed = neededPermissions({ method, path });
  return needed?.some(({ permission, access }) => grants(granted, permission, access)) ?? false;
}

function isHeard(event: string, granted: Granted): boolean {
  const permission = EVENT_PERMISSIONS[event];
  return permission !== undefined && grants(granted, permission, 'read');
}

function grants(granted: Granted, permission: string, access: Access): boolean {
  return LEVELS.indexOf(granted[permission] ?? 'none') >= LEVELS.indexOf(access);
}

/** Without what stands behind a question mark: the sandbox names calls by their paths. */
function patternOf(path: string): RegExp {
  const plain = path.replaceAll(/\{\?[^}]+\}/g, '').replaceAll(/[.+]/g, String.raw`\$&`);
  return new RegExp(`^${plain.replaceAll(/\{[^}]+\}/g, '.+')}$`);
}

function textOf({ method, path }: CodeCall): string {
  return `${method} ${path}`;
}
