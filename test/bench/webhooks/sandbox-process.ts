/** The sandbox as a process of its own, so that the server is measured beside it and not inside it. Speaks over IPC. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import { readAppManifest } from '../../../app/app-manifest.ts';
import { HOUSE } from '../../../app/house.ts';
import { isolatedGitEnvironment } from '../../../sandbox/git-environment.ts';
import { openSandbox, type Sandbox } from '../../../sandbox/sandbox.ts';
import { repositoryWorkflow, WORKFLOW_PATH } from '../../../src/cli/repository-workflow.ts';
import type { SandboxCounts, Scene, SceneOptions, SceneRepository } from './scene.ts';

const ACTION = 'maestro-conductor/maestro';
/** The sandbox has one state of the action: that of this folder. */
const ACTION_SHA = '0123456789abcdef0123456789abcdef01234567';
const MAIN = 'refs/heads/main';
const CHANGE = 'refs/heads/feature/change';
const runFile = promisify(execFile);
/** No limit of GitHub's is what is measured: it would allow one installation a fraction of this load. */
const NO_LIMITS = {
  callsPerHour: 1e9,
  contentWritesPerMinute: 1e9,
  contentWritesPerHour: 1e9,
  pointsPerMinute: 1e9,
  concurrentMax: 1e6,
};
const MACHINES = 500;

const PIPELINE = `name: tests
on: { push: { branches: [main, "feature/**"] }, pull_request: {} }
defaults: { runner: ubuntu-latest }
steps:
  - { id: build, run: "true" }
  - { id: test, needs: [build], run: "true" }
`;

let sandbox: Sandbox | undefined;
let scene: Scene | undefined;

process.on('message', (message: { readonly call: string; readonly options?: SceneOptions }) => {
  void answer(message.call, message.options).then(
    (value) => process.send?.({ value }),
    (error: unknown) => process.send?.({ error: String(error) }),
  );
});

// Whoever measures is done with it, or gone.
process.on('disconnect', () => void sandbox?.close().finally(() => process.exit()));

async function answer(call: string, options: SceneOptions | undefined): Promise<unknown> {
  if (call === 'open' && options !== undefined) return open(options);
  if (sandbox === undefined) throw new Error('expected `open` first');
  if (call === 'counts') return countsOf(sandbox);
  return install(sandbox);
}

async function open(options: SceneOptions): Promise<Scene> {
  sandbox = await openSandbox({
    runners: [{ labels: ['ubuntu-latest'], count: MACHINES }],
    actionSources: { [ACTION]: HOUSE },
    hostEnvironment: process.env,
    limits: NO_LIMITS,
  });
  const manifest = readAppManifest();
  const app = sandbox.registerApp({
    name: manifest.name,
    permissions: manifest.default_permissions,
    events: manifest.default_events,
    webhookUrl: `${options.serverUrl}/api/github/webhooks`,
    webhookSecret: options.webhookSecret,
  });
  const { token } = sandbox.createUser('ada');
  const repositories: SceneRepository[] = [];
  for (let index = 0; index < options.repositories; index++) {
    const workflow = options.handOverPort === null ? coldWorkflow(options) : warmWorkflow(options.handOverPort);
    repositories.push(await addRepository(sandbox, token, { index, workflow, commits: options.commits }));
  }
  scene = { url: sandbox.url, appId: app.appId, privateKey: app.privateKey, repositories };
  return scene;
}

/** Answers the installations, in the order of the repositories. */
function install(box: Sandbox): readonly number[] {
  if (scene === undefined) throw new Error('expected `open` first');
  const { appId, repositories } = scene;
  return repositories.map(({ owner, name }) => box.install(appId, owner, [name]));
}

/** One organisation and installation each, with commits that nobody was told of and a pull request. */
async function addRepository(
  box: Sandbox,
  token: string,
  { index, workflow, commits }: { readonly index: number; readonly workflow: string; readonly commits: number },
): Promise<SceneRepository> {
  const [owner, name] = [`team-${index}`, 'service'];
  box.createOrganization(owner);
  const { id, cloneUrl } = await box.createRepository({
    owner,
    name,
    files: { '.maestro/ci.yaml': PIPELINE, [WORKFLOW_PATH]: workflow, 'README.md': `${owner}\n` },
    collaborators: { ada: 'write' },
  });
  const shas = await pushCommits(cloneUrl.replace('//', `//x-access-token:${token}@`), commits);
  const response = await fetch(`${box.apiUrl}/repos/${owner}/${name}/pulls`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ title: 'A change', head: 'feature/change', base: 'main' }),
  });
  if (!response.ok) throw new Error(`the pull request was not opened: ${await response.text()}`);
  return { id, owner, name, pull: 1, shas };
}

/** One push, while the App is installed nowhere: no webhook tells of them. */
async function pushCommits(url: string, count: number): Promise<readonly string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'maestro-webhooks-commits-'));
  const git = async (words: readonly string[], input?: string): Promise<string> => {
    const running = runFile('git', ['-C', folder, ...words], { env: isolatedGitEnvironment(), maxBuffer: 2 ** 26 });
    if (input !== undefined) running.child.stdin?.end(input);
    return (await running).stdout.trim();
  };
  try {
    await git(['init', '--quiet', '--bare']);
    await git(['fetch', '--quiet', url, MAIN]);
    const base = await git(['rev-parse', 'FETCH_HEAD']);
    const lines = [`reset ${CHANGE}\nfrom ${base}\n`];
    for (let n = 0; n < count; n++) {
      const [message, text] = [`change ${n}`, `${n}\n`];
      lines.push(`commit ${CHANGE}\ncommitter ada <ada@example.com> ${1_700_000_000 + n} +0000`);
      lines.push(`data ${message.length}\n${message}\nM 100644 inline change.txt\ndata ${text.length}\n${text}`);
    }
    await git(['fast-import', '--quiet'], `${lines.join('\n')}\n`);
    await git(['push', '--quiet', url, CHANGE]);
    return (await git(['rev-list', '--reverse', `${base}..${CHANGE}`])).split('\n');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function coldWorkflow({ serverUrl }: SceneOptions): string {
  return repositoryWorkflow(serverUrl, `${ACTION}@${ACTION_SHA}`);
}

/** The job hands its identity to a worker that is there already, and waits for it: no program is started for it. */
function warmWorkflow(port: number): string {
  const text = repositoryWorkflow('http://127.0.0.1', `${ACTION}@${ACTION_SHA}`);
  const step = `      - shell: bash
        env: { ID: "\${{ inputs.dispatch_id }}", RUN: "\${{ inputs.run }}" }
        run: |
          exec 3<>/dev/tcp/127.0.0.1/${port}
          echo "$ID $RUN $ACTIONS_ID_TOKEN_REQUEST_URL $ACTIONS_ID_TOKEN_REQUEST_TOKEN" >&3
          read -r _ <&3
`;
  return `${text.slice(0, text.indexOf('      - uses:'))}${step}`;
}

function countsOf(box: Sandbox): SandboxCounts {
  const writes: Record<string, number> = {};
  let reads = 0;
  for (const { operation, method, caller } of box.calls()) {
    if (caller === 'ada') continue;
    if (method === 'GET') reads++;
    else writes[operation ?? 'unknown'] = (writes[operation ?? 'unknown'] ?? 0) + 1;
  }
  return { jobs: box.jobs().length, reads, writes, violations: box.violations().length };
}
