import { importPKCS8, SignJWT } from 'jose';
import { openSandbox, type Sandbox } from '../../sandbox/sandbox.ts';

export const SOURCE = 'export function sum(a: number, b: number) {\n  return a - b;\n}\n';
const DEPLOY =
  'on: workflow_dispatch\nrun-name: Deploy\njobs:\n  deploy:\n    environment: production\n    runs-on: [nobody]\n    steps:\n      - run: echo out\n';
const REPOSITORY = '/repos/mona/app';

interface AppOf {
  readonly appId: number;
  readonly token: string;
}

/**
 * A repository of mona's with a pull request, and a check with an annotation and a button, as people and an app make them.
 * grace may write to it, the stranger may look at it.
 */
export class Scene {
  readonly sandbox: Sandbox;
  readonly tokens: Readonly<Record<'mona' | 'grace' | 'stranger', string>>;
  pullUrl = '';
  #app: AppOf = { appId: 0, token: '' };
  #sha = '';

  private constructor(sandbox: Sandbox) {
    this.sandbox = sandbox;
    const tokenOf = (login: string): string => sandbox.createUser(login).token;
    this.tokens = { mona: tokenOf('mona'), grace: tokenOf('grace'), stranger: tokenOf('stranger') };
  }

  static async open(): Promise<Scene> {
    const scene = new Scene(await openSandbox());
    await scene.sandbox.createRepository({
      owner: 'mona',
      name: 'app',
      files: { 'src/sum.ts': SOURCE, 'README.md': '# App\n', '.github/workflows/deploy.yml': DEPLOY },
      collaborators: { grace: 'write' },
    });
    scene.#app = await scene.#installApp('Maestro');
    await scene.#openPull();
    await scene.#report();
    return scene;
  }

  async call<T>(method: string, path: string, body?: unknown, token = this.tokens.mona): Promise<T> {
    const response = await fetch(path.startsWith('http') ? path : `${this.sandbox.apiUrl}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    const text = await response.text();
    return (text === '' ? null : JSON.parse(text)) as T;
  }

  async comment(body: string): Promise<void> {
    await this.call('POST', `${REPOSITORY}/issues/1/comments`, { body });
  }

  /** grace asks about a line, mona answers, grace asks for changes. */
  async review(): Promise<void> {
    const place = { path: 'src/new.ts', line: 2, side: 'RIGHT' };
    const review = {
      event: 'REQUEST_CHANGES',
      body: 'Nearly. See the **second** line.',
      comments: [{ ...place, body: 'Who needs `other`?' }],
    };
    await this.call('POST', `${REPOSITORY}/pulls/1/reviews`, review, this.tokens.grace);
    const [asked] = await this.call<{ id: number }[]>('GET', `${REPOSITORY}/pulls/1/comments`);
    await this.call('POST', `${REPOSITORY}/pulls/1/comments/${asked?.id}/replies`, { body: 'Nobody, it goes.' });
  }

  /** One deployment that worked, one that a gate let through, one that it refused, and one that it still thinks about. */
  async deploy(): Promise<void> {
    const app = this.#app.token;
    const staging = { ref: 'main', environment: 'staging', description: 'every push' };
    const { id } = await this.call<{ id: number }>('POST', `${REPOSITORY}/deployments`, staging, app);
    const statuses = `${REPOSITORY}/deployments/${id}/statuses`;
    await this.call('POST', statuses, { state: 'in_progress', description: 'copying' }, app);
    const done = { state: 'success', description: 'up', environment_url: 'https://staging.example.test/' };
    await this.call('POST', statuses, { ...done, log_url: 'javascript:alert(1)' }, app);
    const gate = await this.#installApp('Careful');
    this.sandbox.protectEnvironment('mona', 'app', 'production', gate.appId);
    for (const answer of [
      { state: 'approved', comment: 'two people agreed' },
      { state: 'rejected', comment: 'not on a <b>Friday</b>' },
      { comment: 'waiting for grace' },
    ])
      await this.#deployBehindGate(gate.token, answer);
  }

  async #deployBehindGate(token: string, answer: object): Promise<void> {
    const path = `${REPOSITORY}/actions/workflows/deploy.yml/dispatches`;
    const wanted = { ref: 'main', return_run_details: true };
    const { workflow_run_id: run } = await this.call<{ workflow_run_id: number }>('POST', path, wanted);
    const rule = `${REPOSITORY}/actions/runs/${run}/deployment_protection_rule`;
    await this.call('POST', rule, { environment_name: 'production', ...answer }, token);
  }

  /** A release with an asset, a draft whose upload broke off, and one to try out. */
  async release(): Promise<void> {
    const create = (body: object): Promise<{ upload_url: string }> => this.call('POST', `${REPOSITORY}/releases`, body);
    const upload = async (release: { upload_url: string }, name: string, bytes: string): Promise<void> => {
      await this.call('POST', release.upload_url.replace(/\{.*/, `?name=${name}&label=The+whole`), bytes);
    };
    const first = await create({ tag_name: 'v1.0.0', name: 'One', body: 'It *adds* now.' });
    await upload(first, 'app.tgz', 'x'.repeat(2048));
    await upload(first, 'SHA256SUMS', 'abc');
    await create({ tag_name: 'v1.1.0-rc.1', prerelease: true });
    const draft = await create({ tag_name: 'v1.1.0', draft: true });
    this.sandbox.breakUpload('broken.tgz');
    await upload(draft, 'broken.tgz', 'x').catch(() => undefined);
  }

  async #installApp(name: string): Promise<AppOf> {
    const { appId, privateKey } = this.sandbox.registerApp({
      name,
      permissions: { checks: 'write', pull_requests: 'write', contents: 'read', deployments: 'write' },
      events: ['check_run'],
      webhookUrl: 'http://127.0.0.1:9/',
      webhookSecret: 'secret',
    });
    const installation = this.sandbox.install(appId, 'mona', ['app']);
    const now = Math.floor(Date.now() / 1000);
    const jwt = await new SignJWT({})
      .setProtectedHeader({ alg: 'RS256' })
      .setIssuer(String(appId))
      .setIssuedAt(now - 10)
      .setExpirationTime(now + 300)
      .sign(await importPKCS8(privateKey, 'RS256'));
    const path = `/app/installations/${installation}/access_tokens`;
    return { appId, token: (await this.call<{ token: string }>('POST', path, {}, jwt)).token };
  }

  async #openPull(): Promise<void> {
    const { object } = await this.call<{ object: { sha: string } }>('GET', `${REPOSITORY}/git/ref/heads/main`);
    await this.call('POST', `${REPOSITORY}/git/refs`, { ref: 'refs/heads/kinder', sha: object.sha });
    const { commit } = await this.call<{ commit: { sha: string } }>('PUT', `${REPOSITORY}/contents/src/new.ts`, {
      message: 'Add a file',
      content: Buffer.from('const unused = 1;\nconst other = 2;\n').toString('base64'),
      branch: 'kinder',
    });
    this.#sha = commit.sha;
    const pull = { title: 'A kinder greeting', head: 'kinder', base: 'main', body: 'It was cold.' };
    const { html_url: url } = await this.call<{ html_url: string }>('POST', `${REPOSITORY}/pulls`, pull);
    this.pullUrl = url;
  }

  async #report(): Promise<void> {
    const annotation = {
      path: 'src/new.ts',
      start_line: 1,
      end_line: 1,
      annotation_level: 'failure',
      title: 'unused',
      message: 'nobody reads <b>unused</b>',
    };
    const output = {
      title: '1 of 2 steps failed',
      summary: '| Step | State |\n|---|---|\n| `test` | failed |',
      annotations: [annotation],
    };
    const actions = [{ label: 'Re-run failed', description: 'Runs what failed', identifier: 'rerun-failed' }];
    const check = {
      name: 'maestro / ci',
      head_sha: this.#sha,
      status: 'completed',
      conclusion: 'failure',
      output,
      actions,
    };
    await this.call('POST', `${REPOSITORY}/check-runs`, check, this.#app.token);
  }
}
