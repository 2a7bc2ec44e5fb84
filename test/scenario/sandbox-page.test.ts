import { execFileSync } from 'node:child_process';
import { importPKCS8, SignJWT } from 'jose';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openSandbox, type Sandbox } from '../../sandbox/sandbox.ts';
import { describeWith } from '../real-parts.ts';

const SOURCE = 'export function sum(a: number, b: number) {\n  return a - b;\n}\n';

/** A repository with a pull request, and a check with an annotation and a button, as people and an app make them. */
class Scene {
  readonly sandbox: Sandbox;
  readonly userToken: string;
  pullUrl = '';
  #appToken = '';
  #sha = '';

  private constructor(sandbox: Sandbox, userToken: string) {
    this.sandbox = sandbox;
    this.userToken = userToken;
  }

  static async open(): Promise<Scene> {
    const sandbox = await openSandbox();
    const { token } = sandbox.createUser('mona');
    sandbox.createUser('stranger');
    await sandbox.createRepository({
      owner: 'mona',
      name: 'app',
      files: { 'src/sum.ts': SOURCE, 'README.md': '# App\n' },
    });
    const scene = new Scene(sandbox, token);
    await scene.#installApp();
    await scene.#openPull();
    await scene.#report();
    return scene;
  }

  async call<T>(method: string, path: string, body?: unknown, token = this.userToken): Promise<T> {
    const response = await fetch(`${this.sandbox.apiUrl}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }

  async comment(body: string): Promise<void> {
    await this.call('POST', '/repos/mona/app/issues/1/comments', { body });
  }

  async #installApp(): Promise<void> {
    const { appId, privateKey } = this.sandbox.registerApp({
      name: 'Maestro',
      permissions: { checks: 'write', pull_requests: 'write', contents: 'read' },
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
    this.#appToken = (await this.call<{ token: string }>('POST', path, {}, jwt)).token;
  }

  async #openPull(): Promise<void> {
    const { object } = await this.call<{ object: { sha: string } }>('GET', '/repos/mona/app/git/ref/heads/main');
    await this.call('POST', '/repos/mona/app/git/refs', { ref: 'refs/heads/kinder', sha: object.sha });
    const { commit } = await this.call<{ commit: { sha: string } }>('PUT', '/repos/mona/app/contents/src/new.ts', {
      message: 'Add a file',
      content: Buffer.from('const unused = 1;\nconst other = 2;\n').toString('base64'),
      branch: 'kinder',
    });
    this.#sha = commit.sha;
    const pull = { title: 'A kinder greeting', head: 'kinder', base: 'main', body: 'It was cold.' };
    const { html_url: url } = await this.call<{ html_url: string }>('POST', '/repos/mona/app/pulls', pull);
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
    await this.call('POST', '/repos/mona/app/check-runs', check, this.#appToken);
  }
}

describeWith('chromium', 'the page of the sandbox', (program) => {
  let scene: Scene;
  let browser: Browser;
  let phone: Page | undefined;
  const faults: string[] = [];

  beforeAll(async () => {
    scene = await Scene.open();
    const executablePath = program.includes('/')
      ? program
      : execFileSync('which', [program], { encoding: 'utf8' }).trim();
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
  });
  afterAll(async () => {
    await browser?.close();
    await scene?.sandbox.close();
  });

  async function visit(url: string, options: BrowserContextOptions = {}): Promise<Page> {
    const page = await (await browser.newContext(options)).newPage();
    page.on('pageerror', (error) => faults.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') faults.push(message.text());
    });
    await page.goto(url);
    return page;
  }

  it('takes a comment and shows it', async () => {
    const page = await visit(scene.pullUrl);
    await page.getByLabel('Add a comment').fill('/maestro **help**');
    await page.getByRole('button', { name: 'Comment', exact: true }).click();
    const comment = page.getByRole('article', { name: 'Comment of mona' }).filter({ hasText: '/maestro help' });
    await comment.waitFor();
    expect(await comment.locator('strong', { hasText: 'help' }).count()).toBe(1);
    expect(await page.getByLabel('Add a comment').inputValue()).toBe('');
  });

  it('shows HTML as text, and what others do while somebody types', async () => {
    const page = await visit(scene.pullUrl);
    await page.getByLabel('Add a comment').fill('half a thought');
    await scene.comment('<img src=x onerror="document.title=1"> <script>document.title=2</script>');
    const comment = page.getByRole('article').filter({ hasText: '<img src=x onerror="document.title=1">' });
    await comment.waitFor();
    expect(await comment.locator('img, script').count()).toBe(0);
    expect(await page.getByLabel('Add a comment').inputValue()).toBe('half a thought');
  });

  it('shows a check with its summary, and its annotations beside the lines', async () => {
    const page = await visit(scene.pullUrl);
    await page.getByRole('link', { name: 'maestro / ci' }).click();
    await page.getByRole('cell', { name: 'failed' }).waitFor();
    const file = page.getByRole('region', { name: 'src/new.ts' });
    await file.getByText('nobody reads <b>unused</b>').waitFor();
    const rows = await file.locator('tr').allInnerTexts();
    expect(rows.findIndex((row) => row.includes('nobody reads'))).toBe(1);
    expect(rows[0]).toContain('const unused = 1;');

    await page.goto(`${scene.pullUrl}/files`);
    await page.getByText('nobody reads <b>unused</b>').waitFor();
  });

  it('lets one click the buttons of a check, and the app hears who did', async () => {
    const page = await visit(`${scene.pullUrl}/checks`);
    const heard = (action: string): boolean =>
      scene.sandbox.deliveries().some(({ payload }) => {
        const { action: said, sender } = payload as { action?: string; sender?: { login: string } };
        return said === action && sender?.login === 'mona';
      });
    await page.getByRole('button', { name: 'Re-run failed' }).click();
    await page.getByRole('status').getByText('Re-run failed: asked.').waitFor();
    await page.getByRole('button', { name: 'Re-run', exact: true }).click();
    await page.getByRole('status').getByText('Asked for a new run.').waitFor();
    expect([heard('requested_action'), heard('rerequested')]).toEqual([true, true]);
  });

  it('pushes a changed file to a new branch and opens a pull request', async () => {
    const page = await visit(`${scene.sandbox.url}/mona/app/edit/main/src/sum.ts`);
    await page.getByLabel('Content').fill(SOURCE.replace('-', '+'));
    await page.getByLabel('Branch').fill('fix/sum');
    await page.getByRole('button', { name: 'Commit and push' }).click();
    await page.getByLabel('Title').fill('Add, not subtract');
    await page.getByRole('button', { name: 'Open pull request' }).click();
    await page.getByRole('heading', { name: 'Add, not subtract' }).waitFor();
    await page.getByRole('link', { name: 'Files changed' }).click();
    await page.getByText('return a + b;').waitFor();
    const { content } = await scene.call<{ content: string }>('GET', '/repos/mona/app/contents/src/sum.ts?ref=fix/sum');
    expect(Buffer.from(content, 'base64').toString()).toBe(SOURCE.replace('-', '+'));
  });

  const PLACES = [
    '',
    'pulls',
    'actions',
    'deployments',
    'releases',
    'pull/1',
    'pull/1/checks',
    'pull/1/files',
    'compare',
  ];
  it.each(['/', ...PLACES.map((path) => `/mona/app/${path}`)])('fits %s on a telephone', async (path) => {
    const page = (phone ??= await visit(scene.sandbox.url, { viewport: { width: 390, height: 800 } }));
    await page.goto(scene.sandbox.url + path);
    await page.locator('main h1').first().waitFor();
    expect(await page.locator('.problem').count()).toBe(0);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390);
  });

  it('acts as the chosen person, who may not do everything', async () => {
    const page = await visit(`${scene.pullUrl}/checks`);
    await page.getByLabel('Acting as').selectOption('stranger');
    await page.getByRole('button', { name: 'Re-run failed' }).click();
    await page.getByRole('status').getByText('write').waitFor();
    expect(await page.getByRole('status').innerText()).toContain('Must have write rights');
  });

  it('had no fault of its own all the while', () => {
    // The stranger's refusal is one that the browser reports as well.
    expect(faults.filter((fault) => !fault.includes('403'))).toEqual([]);
    expect(scene.sandbox.violations()).toEqual([]);
  });
});
