import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWith } from '../real-parts.ts';
import { Scene, SOURCE } from './sandbox-scene.ts';

describeWith('chromium', 'the page of the sandbox', (program) => {
  let scene: Scene;
  let browser: Browser;
  let phone: Page | undefined;
  const faults: string[] = [];

  beforeAll(async () => {
    scene = await Scene.open();
    await scene.review();
    await scene.deploy();
    await scene.release();
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

  it('shows a review in the conversation, with the lines it means and what was answered', async () => {
    const page = await visit(scene.pullUrl);
    const review = page.getByRole('region', { name: 'Review of grace' });
    await review.getByText('asked for changes of').waitFor();
    expect(await review.locator('strong', { hasText: 'second' }).count()).toBe(1);
    const discussion = review.getByRole('region', { name: 'Discussion of src/new.ts:2' });
    expect(await discussion.locator('tr').allInnerTexts()).toEqual([
      expect.stringContaining('const unused = 1;'),
      expect.stringContaining('const other = 2;'),
    ]);
    const remarks = discussion.getByRole('article');
    expect(await remarks.allInnerTexts()).toEqual([
      expect.stringContaining('Who needs other?'),
      expect.stringContaining('Nobody, it goes.'),
    ]);
  });

  it('shows comments below the lines they mean, and takes one, and an answer to it', async () => {
    const page = await visit(`${scene.pullUrl}/files`);
    const file = page.getByRole('region', { name: 'src/new.ts' });
    await file.getByText('Who needs').waitFor();
    const rows = await file.locator('.diff > tbody > tr').allInnerTexts();
    expect(rows.findIndex((row) => row.includes('Who needs'))).toBe(
      rows.findIndex((row) => row.includes('const other = 2;')) + 1,
    );
    await file.getByRole('button', { name: 'Comment on line 1', exact: true }).click();
    await page.getByLabel('What about line 1 of src/new.ts?').fill('And `unused`?');
    await file.getByRole('button', { name: 'Comment', exact: true }).click();
    const discussion = page.getByRole('region', { name: 'Discussion of src/new.ts:1' });
    await discussion.getByText('And unused?').waitFor();
    await discussion.getByLabel('Reply to mona').fill('It goes as well.');
    await discussion.getByRole('button', { name: 'Reply' }).click();
    await discussion.getByText('It goes as well.').waitFor();
    const comments = await scene.call<object[]>('GET', '/repos/mona/app/pulls/1/comments');
    expect(comments.slice(-2)).toMatchObject([
      { path: 'src/new.ts', line: 1, side: 'RIGHT', body: 'And `unused`?' },
      { path: 'src/new.ts', line: 1, side: 'RIGHT', body: 'It goes as well.' },
    ]);
  });

  it('submits a review of the commit that was looked at, and lets nobody approve their own', async () => {
    const page = await visit(`${scene.pullUrl}/files`);
    await page.getByLabel('Approve').waitFor();
    expect(await page.getByLabel('Approve').isDisabled()).toBe(true);
    await page.getByLabel('Acting as').selectOption('grace');
    await page.getByLabel('Approve').check();
    await page.getByLabel('What you think of them').fill('/maestro **approve**');
    await page.getByRole('button', { name: 'Submit review' }).click();
    const review = page.getByRole('region', { name: 'Review of grace' }).filter({ hasText: 'approved' });
    await review.locator('strong', { hasText: /^approve$/ }).waitFor();
    const reviews = await scene.call<object[]>('GET', '/repos/mona/app/pulls/1/reviews');
    const { head } = await scene.call<{ head: { sha: string } }>('GET', '/repos/mona/app/pulls/1');
    expect(reviews.at(-1)).toMatchObject({ state: 'APPROVED', commit_id: head.sha, user: { login: 'grace' } });
  });

  it('locks a conversation, in which a stranger then says nothing, and unlocks it', async () => {
    const page = await visit(scene.pullUrl);
    await page.getByRole('button', { name: 'Lock', exact: true }).click();
    await page.getByText('only people with write access comment').waitFor();
    await page.getByText('locked the conversation').waitFor();
    const stranger = await visit(scene.pullUrl);
    await stranger.getByLabel('Acting as').selectOption('stranger');
    await stranger.getByLabel('Add a comment').fill('but');
    await stranger.getByRole('button', { name: 'Comment', exact: true }).click();
    await stranger.getByRole('status').getByText('issue is locked').waitFor();
    expect(await stranger.getByLabel('Add a comment').inputValue()).toBe('but');
    await page.getByRole('button', { name: 'Unlock', exact: true }).click();
    await page.getByText('unlocked the conversation').waitFor();
    expect(await page.getByText('only people with write access comment').count()).toBe(0);
  });

  it('shows deployments with their statuses, and what their gates said', async () => {
    const page = await visit(`${scene.sandbox.url}/mona/app/deployments`);
    const production = page.getByRole('list', { name: 'production' }).locator('> li');
    await production.first().waitFor();
    const closed = production.locator('details:not([open]) > summary');
    for (let left = await closed.count(); left > 0; left -= 1) await closed.first().click();
    const gates = await page.getByRole('region', { name: 'Protection rule of Careful' }).allInnerTexts();
    expect(gates.map((text) => text.replaceAll(/\s+/g, ' '))).toEqual([
      expect.stringContaining('Careful is being waited for waiting for grace'),
      expect.stringContaining('Careful rejected not on a <b>Friday</b>'),
      expect.stringContaining('Careful approved two people agreed'),
    ]);
    const states = await production.locator('summary .grow > strong').allInnerTexts();
    expect(states).toEqual(['waiting', 'failure', 'queued']);
    const staging = page.getByRole('list', { name: 'staging' });
    expect(await staging.innerText()).toMatch(/success[^]*in progress · copying[^]*success · up/);
    expect(await staging.getByRole('link', { name: 'Open' }).getAttribute('href')).toBe(
      'https://staging.example.test/',
    );
    expect(await staging.getByRole('link', { name: 'Log' }).count()).toBe(0);
  });

  it('shows releases with assets that one can fetch, drafts to those who may see them, and one by its tag', async () => {
    const page = await visit(`${scene.sandbox.url}/mona/app/releases`);
    const release = page.getByRole('article', { name: 'Release v1.0.0' });
    await release.locator('em', { hasText: 'adds' }).waitFor();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      release.getByRole('link', { name: 'app.tgz' }).click(),
    ]);
    expect(download.suggestedFilename()).toBe('app.tgz');
    expect(readFileSync(await download.path(), 'utf8')).toBe('x'.repeat(2048));
    const draft = page.getByRole('article', { name: 'Release v1.1.0', exact: true });
    expect(await draft.innerText()).toMatch(/Draft[^]*broken\.tgz[^]*Upload broke off/);
    expect(await page.getByRole('article').count()).toBe(3);
    await page.getByLabel('Acting as').selectOption('stranger');
    await draft.waitFor({ state: 'detached' });
    await page.goto(`${scene.sandbox.url}/mona/app/releases/tag/v1.0.0`);
    await release.waitFor();
    expect(await page.getByRole('article').count()).toBe(1);
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
    // Refusals of the stranger are reported by the browser as well.
    expect(faults.filter((fault) => !fault.includes('403'))).toEqual([]);
    expect(scene.sandbox.violations()).toEqual([]);
  });
});
