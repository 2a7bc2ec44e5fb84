import { afterEach, beforeEach, expect, it } from 'vitest';
import { planOf, planStep } from '../../../fakes/plans.ts';
import { CommandWorld } from './command-world.ts';
import { sharedWorld } from './shared-world.ts';

let w: CommandWorld;
const world = sharedWorld();
beforeEach(async () => {
  w = await CommandWorld.open(world());
});
afterEach(async () => w.close());

/** Of runs that name none, as those of a test. */
const NAMESPACE = { tenant: 'local', name: 'local' };
const setPolicy = (patch: object | null) =>
  w.world.engine.setPolicy(NAMESPACE, patch as never, { path: '.maestro/policy.yaml', commit: null });

it('says what each pack thinks of a step, with the datum that would change it, and names those that are content', async () => {
  const { run } = await w.run(planOf([planStep('wipe', { tags: ['destructive'] })], { name: 'ops' }));
  await w.world.until(run, 'wipe', 'held');
  const answer = await w.say('/maestro explain wipe');
  expect(answer).toMatch(/ops\/wipe.*asked as step: ask\./);
  expect(answer).toMatch(/\| base \| ask \| .*tags\.destructive/);
  expect(answer).toMatch(/\| .*access.*budget.* \| allow \|/);
  expect(await w.say('/maestro explain')).toMatch(/asked as step: ask\./);
});

it('says why a run was rejected', async () => {
  await w.run(planOf([planStep('a')], { name: 'odd', purpose: 'mischief' }));
  const answer = await w.say('/maestro explain');
  expect(answer).toMatch(/run of odd.*asked as run: deny\./);
  expect(answer).toContain('purpose');
});

it('says that the rules have changed since', async () => {
  const { run } = await w.run(planOf([planStep('wipe', { tags: ['destructive'] })], { name: 'ops' }));
  await w.world.until(run, 'wipe', 'held');
  await w.world.engine.cancelRun(run, 'enough');
  await w.world.end(run);
  await setPolicy({ tags: { destructive: { verdict: 'deny' } } });
  try {
    expect(await w.say('/maestro explain wipe')).toContain('data have changed since');
  } finally {
    await setPolicy(null);
  }
});

it('shows no text of a pipeline as anything but text', async () => {
  const name = '@acme/team';
  await w.run(planOf([planStep('a', { environment: name })], { name: 'odd' }));
  expect(await w.say('/maestro explain a')).not.toContain(name);
});
