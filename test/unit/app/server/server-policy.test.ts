import { expect, it } from 'vitest';
import { openServerPolicy, runnersOf } from '../../../../app/server/server-policy.ts';

const DEFAULTS = {
  runners: { linux: { forks: true }, container: { forks: true }, gpu: {}, 'macos-15': { forks: true } },
};

it('lets code of forks onto machines that GitHub makes for each job, and onto no others', () => {
  expect(runnersOf(DEFAULTS, { fast: ['self-hosted', 'fast'], large: ['ubuntu-24.04-16core'] })).toEqual({
    linux: { forks: true },
    container: { forks: false },
    gpu: { forks: false },
    'macos-15': { forks: true },
    fast: { forks: false },
    large: { forks: true },
  });
});

it('goes by the labels of a class, not by its name', () => {
  expect(runnersOf(DEFAULTS, { linux: ['self-hosted', 'linux'] })).toMatchObject({ linux: { forks: false } });
});

it('makes data that the policy takes', async () => {
  await expect(openServerPolicy({ fast: ['self-hosted', 'fast'] })).resolves.toBeDefined();
  await expect(openServerPolicy({})).resolves.toBeDefined();
});
