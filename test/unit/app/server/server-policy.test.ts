import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openServerPolicy, readOperatorsPolicy, runnersOf } from '../../../../app/server/server-policy.ts';

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
  for (const runnerLabels of [{ fast: ['self-hosted', 'fast'] }, {}])
    await expect(openServerPolicy({ operators: undefined, runnerLabels })).resolves.toBeDefined();
});

describe("the operator's policy file", () => {
  const written = (text: string): string => {
    const path = join(mkdtempSync(join(tmpdir(), 'maestro-policy-')), 'policy.yaml');
    writeFileSync(path, text);
    return path;
  };
  const open = async (text: string) =>
    openServerPolicy({ operators: await readOperatorsPolicy(written(text)), runnerLabels: {} });

  it('changes the data of every repository, and keeps what it locks from theirs', async () => {
    const { policy, openPatched, parsePolicy } = await open('budget: { max: { usd: 5 } }\nlock: [budget]\n');
    expect(policy.data['budget']).toEqual({ max: { usd: 5 } });
    expect((await openPatched({ autonomy: { max: 'L1' } })).data).toMatchObject({ budget: { max: { usd: 5 } } });
    expect(() => parsePolicy('autonomy: { max: L1 }\nbudget: { max: { usd: 99 } }\n', 'p.yaml')).toThrow('p.yaml:2:');
    await expect(openPatched({ budget: { max: { usd: 99 } } })).rejects.toMatchObject({ code: 'POLICY_INVALID' });
  });

  it('keeps the server from starting where it is broken or missing', async () => {
    await expect(open('budgit: {}\n')).rejects.toMatchObject({ code: 'POLICY_INVALID' });
    await expect(readOperatorsPolicy('/nowhere/policy.yaml')).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});
