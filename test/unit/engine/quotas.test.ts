import { expect, it } from 'vitest';
import { readQuotas } from '../../../src/engine/quotas.ts';

it('of several counts the least holds, each for its class', () => {
  const obligations = [
    { type: 'jobs-max', value: 'gpu=2' },
    { type: 'runs-max', value: 20 },
    { type: 'jobs-max', value: 'ubuntu-24.04=100' },
    { type: 'jobs-max', value: 'gpu=1' },
    { type: 'runs-max', value: 5 },
    { type: 'jobs-max', value: 'gpu=3' },
    { type: 'approvals', value: 2 },
  ];
  expect(readQuotas(obligations)).toEqual({
    runsMax: 5,
    jobsMax: new Map([
      ['gpu', 1],
      ['ubuntu-24.04', 100],
    ]),
  });
});

it('nothing is said where policy obliges to nothing', () => {
  expect(readQuotas([])).toEqual({ runsMax: null, jobsMax: new Map() });
});

it.each([
  ['runs-max', 'twenty'],
  ['runs-max', '20'],
  ['runs-max', 1.5],
  ['runs-max', -1],
  ['runs-max', true],
  ['jobs-max', 2],
  ['jobs-max', 'gpu'],
  ['jobs-max', 'gpu='],
  ['jobs-max', '=2'],
  ['jobs-max', 'gpu=many'],
  ['jobs-max', 'gpu=-1'],
  ['jobs-max', 'gpu=1e3'],
])('%s %s is no quota, and not taken for none', (type, value) => {
  expect(() => readQuotas([{ type, value }])).toThrow(expect.objectContaining({ code: 'POLICY_INVALID' }));
});
