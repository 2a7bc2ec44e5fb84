import { expect, it } from 'vitest';
import { FAILED } from '../../../contract/engine/world.ts';
import { planOf, planStep } from '../../../fakes/plans.ts';
import { CommandWorld } from './command-world.ts';
import { sharedWorld } from './shared-world.ts';

const world = sharedWorld();

it('a comment is answered once where the first to act is so slow that another one takes over', async () => {
  const w = await CommandWorld.open(world());
  const { run } = await w.run(planOf([planStep('a')], { name: 'ci' }));
  await (await w.world.worker()).run('a', FAILED);
  await w.world.until(run, 'a', 'failed');
  const { records } = w.tools;
  const deliver = w.comment('/maestro retry');
  let isFirst = true;
  const slow = {
    ...records,
    finish: async (key: string, index: number, text: string) => {
      await records.finish(key, index, text);
      if (!isFirst) return;
      isFirst = false;
      await w.world.sql(`update command_request set claimed_at = now() - interval '121 seconds' where key = '${key}'`);
      await deliver();
    },
  };
  Object.assign(w.tools, { records: slow });
  await expect(deliver()).rejects.toMatchObject({ code: 'COMMAND_BUSY' });
  expect(w.github.comments.length).toBe(1);
  expect(await w.world.sql('select count(*)::int from run')).toEqual([[2]]);
  expect(await deliver()).toBe('done before');
  await w.close();
});

it.each([
  ['took it', 'installation', 1],
  ['had acknowledged it, and that was not written down', 'acknowledged', 2],
  ['had acknowledged it', 'answers', 1],
])('a comment is acknowledged where who had it was killed when it %s', async (_name, call, reactions) => {
  const w = await CommandWorld.open(world());
  const { records, access } = w.tools;
  const deliver = w.comment('/maestro retry');
  const killed = { [call]: async () => Promise.reject(new Error('killed')) };
  // Who is killed gives nothing back.
  const release = async () => {};
  Object.assign(w.tools, { access: { ...access, ...killed }, records: { ...records, ...killed, release } });
  await expect(deliver()).rejects.toThrow('killed');
  await w.world.sql(`update command_request set claimed_at = now() - interval '121 seconds' where done_at is null`);
  Object.assign(w.tools, { records, access });
  await deliver();
  expect(w.github.reactions).toHaveLength(reactions);
  expect(w.github.comments).toHaveLength(1);
  await w.close();
});
