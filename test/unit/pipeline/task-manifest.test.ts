import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { isMaestroError } from '../../../src/base/errors.ts';
import {
  parseTaskManifest,
  readTask,
  TASK_MANIFEST_NAME,
  TASK_MANIFEST_SCHEMA,
  type TaskManifest,
} from '../../../src/pipeline/task-manifest.ts';
import { treeOf } from './sample-catalog.ts';

const read = (value: unknown): TaskManifest => parseTaskManifest(new TextEncoder().encode(JSON.stringify(value)));

describe('a task manifest', () => {
  test('gets the careful defaults', () => {
    expect(read({ name: 't', main: ['./run'] })).toEqual({
      name: 't',
      main: ['./run'],
      files: [],
      isIdempotent: false,
      capabilities: { network: [], secrets: [] },
    });
  });

  test('has a schema that stands alone', () => {
    const validate = new Ajv2020().compile(TASK_MANIFEST_SCHEMA);
    expect(
      validate({ name: 't', main: ['node', 'main.js'], files: ['main.js'], capabilities: { runner: 'gpu' } }),
    ).toBe(true);
    expect(validate({ name: 't', main: [] })).toBe(false);
  });

  test.each([
    ['an unknown key', { name: 't', main: ['./run'], idempotent: true }],
    ['no command', { name: 't', main: [] }],
    ['a text as command', { name: 't', main: './run' }],
    ['a list', []],
    ['null', null],
    ['too much', { name: 't', main: ['./run'], description: 'x'.repeat(300_000) }],
  ])('with %s is TASK_INVALID', (_title, value) => {
    expect(codeOf(() => read(value))).toBe('TASK_INVALID');
  });

  test.each(['../secret', '/etc/passwd', 'a/../../b', 'C:\\x', 'a\\b'])('that lists %s is TASK_INVALID', (file) => {
    const tree = treeOf({ [`t/${TASK_MANIFEST_NAME}`]: { name: 't', main: ['./run'], files: [file] }, secret: 'x' });
    expect(codeOf(() => readTask('t', tree))).toBe('TASK_INVALID');
  });

  test('that does not exist is TASK_NOT_FOUND', () => {
    expect(codeOf(() => readTask('t', treeOf({})))).toBe('TASK_NOT_FOUND');
  });
});

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    return isMaestroError(error) ? error.code : String(error);
  }
  return 'nothing was thrown';
}
