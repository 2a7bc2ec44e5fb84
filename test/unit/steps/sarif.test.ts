import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/base/json.ts';
import { readSarif } from '../../../src/steps/security/sarif.ts';
import type { Severity } from '../../../src/steps/security/severity.ts';

describe('a result of SARIF', () => {
  it.each<[string, JsonObject, Severity]>([
    ['its id', { ruleId: 'sql' }, 'critical'],
    ['its index', { ruleIndex: 1 }, 'low'],
    ['the index of its reference', { rule: { index: 1 } }, 'low'],
    ['an index that stands above the id', { ruleId: 'xss', ruleIndex: 0 }, 'critical'],
    ['the id of its reference', { rule: { id: 'sql' } }, 'critical'],
    ['an id below that of the rule', { ruleId: 'sql/join/deep' }, 'critical'],
    ['a rule of an extension, by index', { rule: { index: 0, toolComponent: { index: 0 } } }, 'critical'],
    ['a rule of an extension, by id', { ruleId: 'more', rule: { toolComponent: { index: 0 } } }, 'critical'],
    ['an extension by its name', { ruleId: 'more', rule: { toolComponent: { name: 'pack' } } }, 'critical'],
    ['an extension by its guid', { rule: { index: 0, toolComponent: { guid: 'A-1' } } }, 'critical'],
    ['a rule by its guid', { rule: { guid: 'B-2' } }, 'critical'],
    ['a rule without a level of its own', { ruleId: 'plain' }, 'medium'],
    ['a level, without a rule', { ruleId: 'nobody', level: 'note' }, 'low'],
    ['neither level nor rule', { ruleId: 'nobody' }, 'high'],
    ['an index of no rule', { ruleIndex: 9 }, 'high'],
    ['the index of what is no rule', { ruleIndex: 3 }, 'high'],
    ['an extension that is not there', { rule: { index: 0, toolComponent: { index: 7 } } }, 'high'],
    ['nothing at all', {}, 'high'],
  ])('counts by the rule that it names by %s', (_what, result, severity) => {
    const score = { 'security-severity': '9.8' };
    const tool = {
      driver: {
        name: 'codeql',
        rules: [
          { id: 'sql', properties: score },
          { id: 'xss', defaultConfiguration: { level: 'note' } },
          { id: 'plain' },
          'garbage',
        ],
      },
      extensions: [{ name: 'pack', guid: 'a-1', rules: [{ id: 'more', guid: 'b-2', properties: score }] }],
    };
    const log = { version: '2.1.0', runs: [{ tool, results: [result] }] };
    expect(readSarif(log, 'r.sarif').map((finding) => finding.severity)).toEqual([severity]);
  });
});
