import { expect, it } from 'vitest';
import { openServerPolicy, runnersOf } from '../../../../app/server/server-policy.ts';

const DEFAULTS = {
  runners: {
    linux: { forks: true },
    container: { forks: true },
    gpu: {},
    'macos-15': { forks: true },
    'ubuntu-latest': { forks: true },
  },
};

it('lets code of forks onto machines that GitHub makes for each job, and onto no others', () => {
  expect(runnersOf(DEFAULTS, { fast: ['self-hosted', 'fast'], mac: ['macos-15'] })).toEqual({
    linux: { forks: true },
    container: { forks: false },
    gpu: { forks: false },
    'macos-15': { forks: true },
    'ubuntu-latest': { forks: true },
    fast: { forks: false },
    mac: { forks: true },
  });
});

it('goes by the labels of a class, not by its name', () => {
  expect(runnersOf(DEFAULTS, { linux: ['self-hosted', 'linux'] })).toMatchObject({ linux: { forks: false } });
});

it.each([
  ['the name of a scale set', ['arc-runner-set']],
  ['another case', ['Self-Hosted', 'pool']],
  ['a class of ours that is for forks', ['container']],
  ['a name in the style of GitHub’s', ['ubuntu-latest-of-ours']],
  ['a machine of GitHub’s and more', ['ubuntu-latest', 'pool']],
  ['the name of a part of objects', ['constructor']],
])('takes %s for no machine that GitHub makes', (_name, labels) => {
  expect(runnersOf(DEFAULTS, { some: labels })).toMatchObject({ some: { forks: false } });
});

it('makes data that the policy takes', async () => {
  await expect(openServerPolicy({ fast: ['self-hosted', 'fast'] })).resolves.toBeDefined();
  await expect(openServerPolicy({})).resolves.toBeDefined();
});
