import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isJsonObject, type Json, type JsonObject } from '../../../src/base/json.ts';
import { parsePolicyFile } from '../../../src/policy/policy-file.ts';
import { BUNDLE, POLICY_FOLDER } from './fixture.ts';

const guide = readFileSync(resolve(POLICY_FOLDER, '../docs/guides/policy.md'), 'utf8');
const { manifest } = BUNDLE;
/** Said once, for all packs. */
const OF_EVERY_PACK = ['missing-data', 'malformed-data'];

const rules = readdirSync(resolve(POLICY_FOLDER, 'packs')).flatMap((pack) => {
  const source = readFileSync(resolve(POLICY_FOLDER, 'packs', pack, 'rules.rego'), 'utf8');
  const names = [...source.matchAll(/\breason\(\s*"([a-z-]+)"/g)].map(([, name]) => name ?? '');
  return [...new Set(names)].filter((name) => !OF_EVERY_PACK.includes(name)).map((name) => `${pack}/${name}`);
});
const examples = [...guide.matchAll(/```yaml( operator)?\n(.*?)```/gs)].map(([, operator, text = '']) => ({
  isOperators: operator !== undefined,
  text,
}));
const patches = examples.map(({ text, isOperators }) => parsePolicyFile(text, manifest, { isOperators }).patch);

describe('the guide', () => {
  test('names every rule, and no rule that is not there', () => {
    expect(rules.length).toBeGreaterThan(60);
    expect(rules.filter((rule) => !guide.includes(`\`${rule}\``))).toEqual([]);
    const packs = manifest.packs.map(({ name }) => name).join('|');
    const named = [...guide.matchAll(new RegExp(`\`((?:${packs})/[a-z-]+)\``, 'g'))].map(([, rule]) => rule);
    expect(named.filter((rule) => rule === undefined || !rules.includes(rule))).toEqual([]);
    expect(OF_EVERY_PACK.filter((rule) => !guide.includes(`\`${rule}\``))).toEqual([]);
  });

  test('has a row for every pack, with its part of the data', () => {
    for (const { name, keys } of manifest.packs) {
      const row = guide
        .split('## The packs')[1]
        ?.split('\n')
        .find((line) => line.startsWith(`| \`${name}\` `));
      expect([name, keys.filter((key) => !row?.includes(`\`${key}\``))]).toEqual([name, []]);
    }
  });

  test('shows files that are good ones', () => {
    expect(patches).toHaveLength(3);
    expect(patches[0]).toMatchObject({ autonomy: { max: 'L2' } });
  });

  test('shows every setting there is', () => {
    const shown = new Set(patches.flatMap((patch) => namesIn(patch)));
    expect(settingsIn(manifest.dataSchema['properties'] ?? null).filter((name) => !shown.has(name))).toEqual([]);
  });

  test('shows every obligation that a rule gives', () => {
    const sources = readdirSync(resolve(POLICY_FOLDER, 'packs')).map((pack) =>
      readFileSync(resolve(POLICY_FOLDER, 'packs', pack, 'rules.rego'), 'utf8'),
    );
    const types = sources.flatMap((source) => [...source.matchAll(/\{"type": "([a-z-]+)"/g)].map(([, type]) => type));
    expect(new Set(types).size).toBe(9);
    expect(types.filter((type) => !guide.includes(`\`${type}\``))).toEqual([]);
  });
});

function namesIn(value: Json): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(namesIn);
  return isJsonObject(value) ? Object.entries(value).flatMap(([key, child]) => [key, ...namesIn(child)]) : [];
}

/** Names of all settings of a schema's properties; those of mappings whose keys people choose are not among them. */
function settingsIn(properties: Json): readonly string[] {
  if (!isJsonObject(properties)) return [];
  return Object.entries(properties).flatMap(([name, schema]) => [name, ...settingsBelow(schema)]);
}

function settingsBelow(schema: Json): readonly string[] {
  if (!isJsonObject(schema)) return [];
  const inside: readonly (JsonObject | undefined)[] = [schema.items, schema.additionalProperties].map((one) =>
    isJsonObject(one) ? one : undefined,
  );
  return [...settingsIn(schema.properties ?? null), ...inside.flatMap((one) => (one ? settingsBelow(one) : []))];
}
