import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { parsePolicyFile } from '../../../src/policy/policy-file.ts';
import { BUNDLE, POLICY_FOLDER } from './fixture.ts';

const guide = readFileSync(resolve(POLICY_FOLDER, '../docs/guides/policy.md'), 'utf8');

test('the guide names every rule of the base pack', () => {
  const rules = readFileSync(resolve(POLICY_FOLDER, 'packs/base/rules.rego'), 'utf8');
  const names = [...rules.matchAll(/contains reason\(\s*"([a-z-]+)"/g)].map(([, name]) => name);
  expect(names.length).toBeGreaterThan(15);
  expect(names.filter((name) => !guide.includes(`\`${name}\``))).toEqual([]);
});

test('the example of a policy file in the guide is a valid one', () => {
  const example = /```yaml\n(.*?)```/s.exec(guide)?.[1] ?? '';
  expect(parsePolicyFile(example, BUNDLE.manifest).data).toMatchObject({
    autonomy: { max: 'L2' },
    secrets: { allow: ['NPM_TOKEN'] },
  });
});
