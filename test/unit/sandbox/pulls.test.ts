import { afterEach, describe, expect, it } from 'vitest';
import { branchOff, closeClean, openStage, openTopic, putFile, type Stage } from './client.ts';

const PULL = '/repos/acme/app/pulls/1';

describe('a pull request in the sandbox', () => {
  let stage: Stage;
  afterEach(async () => await closeClean(stage));

  const put = async (path: string, branch: string): Promise<string> => await putFile(stage, { path, branch });

  async function openPull(): Promise<void> {
    stage = await openStage();
    await branchOff(stage, 'release');
    await openTopic(stage);
  }

  const pull = async (): Promise<Awaited<ReturnType<Stage['call']>>['body']> =>
    (await stage.call(await stage.token(), 'GET', PULL)).body;

  it('keeps the base commit that it had while its base goes on, until its head is pushed to', async () => {
    await openPull();
    const opened = await stage.sha();
    const moved = await put('main.txt', 'main');
    expect(await pull()).toMatchObject({ base: { ref: 'main', sha: opened } });
    await put('more.txt', 'topic');
    expect(await pull()).toMatchObject({ base: { ref: 'main', sha: moved } });
  });

  it('gets the base commit of another base', async () => {
    await openPull();
    const released = await put('release.txt', 'release');
    await stage.call(stage.ada.token, 'PATCH', PULL, { base: 'release' });
    expect(await pull()).toMatchObject({ base: { ref: 'release', sha: released } });
  });

  it('is judged and merged with what its base has become', async () => {
    await openPull();
    const moved = await put('main.txt', 'main');
    await stage.call(stage.ada.token, 'PUT', `${PULL}/merge`, {});
    const { body } = await stage.call(stage.ada.token, 'GET', '/repos/acme/app/commits/main');
    expect(body.parents.map(({ sha }: { sha: string }) => sha)).toEqual([moved, await stage.sha('heads/topic')]);
    const names = (await stage.call(stage.ada.token, 'GET', '/repos/acme/app/contents')).body;
    expect(names.map(({ name }: { name: string }) => name)).toEqual(expect.arrayContaining(['main.txt', 'topic.txt']));
  });

  it('conflicts with what came into its base after it was opened', async () => {
    await openPull();
    expect(await pull()).toMatchObject({ mergeable: true });
    const body = { message: 'the same name', content: 'eXk=', branch: 'main' };
    await stage.call(stage.ada.token, 'PUT', '/repos/acme/app/contents/topic.txt', body);
    expect(await pull()).toMatchObject({ mergeable: false, mergeable_state: 'dirty' });
    expect((await stage.call(stage.ada.token, 'PUT', `${PULL}/merge`, {})).status).toBe(405);
  });
});
