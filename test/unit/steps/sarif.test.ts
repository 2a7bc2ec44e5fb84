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

  const RULES = [
    { id: 'sql', defaultConfiguration: { level: 'error' } },
    { id: 'xss', guid: 'c-3' },
  ];
  const override = (descriptor: JsonObject, level?: string): JsonObject => ({
    descriptor,
    configuration: level === undefined ? { rank: 1 } : { level },
  });
  const severities = (result: JsonObject, ...overrides: readonly (readonly JsonObject[] | null)[]) => {
    const invocations = overrides.map((ruleConfigurationOverrides) => ({
      executionSuccessful: true,
      ruleConfigurationOverrides,
    }));
    const tool = { driver: { name: 'codeql', rules: RULES }, extensions: [{ name: 'pack', rules: [{ id: 'more' }] }] };
    const log = { version: '2.1.0', runs: [{ tool, invocations, results: [result] }] };
    return readSarif(log as unknown as JsonObject, 'r.sarif').map(({ severity }) => severity);
  };
  const from = (invocationIndex: number): JsonObject => ({ ruleId: 'sql', provenance: { invocationIndex } });

  it.each<[string, JsonObject, readonly (readonly JsonObject[] | null)[], readonly Severity[]]>([
    ['by index', { ruleId: 'sql' }, [[override({ index: 0 }, 'note')]], ['low']],
    ['by id', { ruleIndex: 1 }, [[override({ id: 'xss' }, 'error')]], ['high']],
    ['by guid', { ruleId: 'xss' }, [[override({ guid: 'C-3' }, 'error')]], ['high']],
    [
      'of an extension',
      { ruleId: 'more', rule: { toolComponent: { index: 0 } } },
      [[override({ id: 'more', toolComponent: { name: 'pack' } }, 'error')]],
      ['high'],
    ],
    ['as no problem', { ruleId: 'sql' }, [[override({ index: 0 }, 'none')]], []],
    [
      'whose result says itself how bad it is',
      { ruleId: 'sql', level: 'error' },
      [[override({ index: 0 }, 'note')]],
      ['high'],
    ],
    [
      'whose result has a score',
      { ruleId: 'sql', properties: { 'security-severity': '9.8' } },
      [[override({ index: 0 }, 'none')]],
      ['critical'],
    ],
    ['without a level', { ruleId: 'sql' }, [[override({ index: 0 })]], ['high']],
    ['of another rule', { ruleId: 'sql' }, [[override({ index: 1 }, 'note')]], ['high']],
    ['of no rule', { ruleId: 'nobody' }, [[override({ id: 'nobody' }, 'note')]], ['high']],
    [
      'twice: the first word counts',
      { ruleId: 'sql' },
      [[override({ index: 0 }, 'warning'), override({ id: 'sql' }, 'note')]],
      ['medium'],
    ],
    ['in the invocation that it came from', from(1), [null, [override({ index: 0 }, 'note')]], ['low']],
    ['in another invocation', from(0), [null, [override({ index: 0 }, 'note')]], ['high']],
    [
      'in one of several, where nobody says which',
      { ruleId: 'sql' },
      [null, [override({ index: 0 }, 'note')]],
      ['high'],
    ],
    ['where the result says that nobody knows', from(-1), [[override({ index: 0 }, 'note')]], ['high']],
    ['in an invocation that is not there', from(7), [[override({ index: 0 }, 'note')]], ['high']],
  ])('counts as the invocation reconfigured its rule: %s', (_what, result, overrides, expected) => {
    expect(severities(result, ...overrides)).toEqual(expected);
  });

  it.each<[unknown, boolean]>([
    [undefined, true],
    [null, true],
    [[], true],
    [[{ kind: 'inSource' }], false],
    [[{ kind: 'external', status: 'accepted' }], false],
    [[{ kind: 'external', status: 'underReview' }], true],
    [[{ kind: 'external', status: 'rejected' }], true],
    [[{ kind: 'inSource' }, { kind: 'external', status: 'rejected' }], true],
    [[{ kind: 'inSource' }, { kind: 'external', status: 'underReview' }], true],
    [[{ kind: 'external', status: null }], true],
    ['accepted', true],
    [['garbage'], true],
  ])('with the suppressions %j counts: %s', (suppressions, counts) => {
    expect(severities({ ruleId: 'sql', suppressions } as JsonObject)).toEqual(counts ? ['high'] : []);
  });

  it('is read in time from a log of many overrides and many results', () => {
    const overrides = Array.from({ length: 50_000 }, (_, i) => override({ id: `r${i}` }, 'note'));
    const many = {
      version: '2.1.0',
      runs: [
        {
          tool: { driver: { name: 'x', rules: overrides.map((_, i) => ({ id: `r${i}` })) } },
          invocations: [{ ruleConfigurationOverrides: overrides }],
          results: overrides.map((_, i) => ({ ruleId: `r${i}` })),
        },
      ],
    };
    expect(readSarif(many as unknown as JsonObject, 'r.sarif').every(({ severity }) => severity === 'low')).toBe(true);
  });
});
