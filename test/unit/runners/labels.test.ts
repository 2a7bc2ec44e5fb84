import { describe, expect, it } from 'vitest';
import { labelsOf, parseClassLabels } from '../../../src/runners/github-actions/labels.ts';

describe('labels of a runner class', () => {
  it.each([
    ['linux', ['ubuntu-latest']],
    ['default', ['ubuntu-latest']],
    ['ubuntu-24.04', ['ubuntu-24.04']],
    ['windows-latest', ['windows-latest']],
    ['macos-15', ['macos-15']],
    ['gpu', ['self-hosted', 'gpu']],
    ['ubuntu', ['self-hosted', 'ubuntu']],
    ['constructor', ['self-hosted', 'constructor']],
  ])('of %s are %j where nobody says otherwise', (name, labels) => {
    expect(labelsOf(name)).toEqual(labels);
  });

  it('are those of the configuration where it names the class', () => {
    const configured = parseClassLabels('{"linux":["self-hosted","linux","x64"],"gpu":["a100"]}');
    expect(labelsOf('linux', configured)).toEqual(['self-hosted', 'linux', 'x64']);
    expect(labelsOf('gpu', configured)).toEqual(['a100']);
    expect(labelsOf('constructor', configured)).toEqual(['self-hosted', 'constructor']);
  });

  it.each([
    '',
    '[]',
    'null',
    '{"a":[]}',
    '{"a":"b"}',
    '{"a":[1]}',
    '{"a":["x,y"]}',
    '{"a":[" x"]}',
    '{"a":["x\\u0000"]}',
    `{"a":["${'x'.repeat(101)}"]}`,
  ])('are not read from %s', (text) => {
    expect(() => parseClassLabels(text)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  });
});
