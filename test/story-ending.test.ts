import { afterEach, describe, expect, it } from 'vitest';
import { createPerson } from '../app/demo/person.ts';
import { openSandbox, type Sandbox } from '../sandbox/sandbox.ts';
import type { Json } from '../src/base/json.ts';
import { differences, endingOf, nameCommits } from './bench/app-crash/ending.ts';

const REPOSITORY = { owner: 'acme', repo: 'orders' };

describe('the ending of a story', () => {
  const sandboxes: Sandbox[] = [];
  afterEach(async () => {
    for (const sandbox of sandboxes.splice(0)) await sandbox.close();
  });

  async function open(daysAgo: number) {
    const sandbox = await openSandbox({ nowMs: () => Date.now() - daysAgo * 86_400_000 });
    sandboxes.push(sandbox);
    sandbox.createOrganization('acme');
    const ada = createPerson(sandbox, 'ada');
    const files = { 'README.md': '# Orders\n' };
    await sandbox.createRepository({ owner: 'acme', name: 'orders', files, collaborators: { ada: 'write' } });
    const { data: main } = await ada.octokit.rest.git.getRef({ ...REPOSITORY, ref: 'heads/main' });
    const stage = { sandbox, ada, repository: REPOSITORY, server: { url: 'http://127.0.0.1:1' } };
    return { stage, ada, first: main.object.sha };
  }

  /** ada pushes one commit after the first, and says something of both. */
  async function tell(daysAgo: number, state: 'success' | 'failure'): Promise<Json> {
    const { stage, first, ada } = await open(daysAgo);
    const second = await ada.push(REPOSITORY, 'main', { message: 'docs: more', files: { 'a.md': String(daysAgo) } });
    for (const sha of [first, second]) await ada.octokit.rest.repos.createCommitStatus({ ...REPOSITORY, sha, state });
    return await endingOf(stage, nameCommits(first, [second]));
  }

  /** A pull request with one comment. */
  async function say(body: string): Promise<Json> {
    const { stage, first, ada } = await open(0);
    const second = await ada.push(REPOSITORY, 'topic', { message: 'docs: more', files: { 'a.md': 'a' } });
    await ada.comment(REPOSITORY, await ada.openPull(REPOSITORY, 'Topic', 'topic'), body);
    return await endingOf(stage, nameCommits(first, [second]));
  }

  it('names every commit, also the one that the repository began with, so that equal stories end alike', async () => {
    const endings = [await tell(0, 'success'), await tell(9, 'success')] as const;
    expect(differences(...endings)).toEqual([]);
    expect(JSON.stringify(endings)).not.toMatch(/[0-9a-f]{40}/);
    expect(endings[0]).toMatchObject({
      'acme/orders': { statuses: [{ sha: '<commit 0>' }, { sha: '<first commit>' }] },
    });
  });

  it('takes rows of a table in any order, and numbers of things that have no name', async () => {
    const table = (...rows: readonly string[]): string =>
      ['**Maestro**', '', '| Pipeline | State |', '|---|---|', ...rows, '', 'Done'].join('\n');
    const [tests, preview] = ['| [tests](/actions/runs/12) | good |', '| [preview](/actions/runs/7) | bad |'] as const;
    const endings = [await say(table(tests, preview)), await say(table(preview, tests.replace('12', '9')))] as const;
    expect(differences(...endings)).toEqual([]);
    expect(differences(endings[0], await say(table(tests)))).toHaveLength(2);
  });

  it('says by name what is different', async () => {
    const found = differences(await tell(0, 'success'), await tell(0, 'failure'));
    expect(found.filter((line) => line.includes('<first commit>'))).toHaveLength(2);
  });
});
