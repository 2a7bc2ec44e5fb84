import { expect, it } from 'vitest';
import { openLog } from '../../../../app/server/log.ts';

it('shows neither what was sent to GitHub nor what it answered, however an error is wrapped', () => {
  const lines: string[] = [];
  const log = openLog('info', { write: (line) => void lines.push(line) });
  // As Octokit makes them.
  const failed = Object.assign(new Error('Server Error'), {
    status: 500,
    request: { url: 'https://api.github.com/x', headers: { authorization: 'bearer HIDDEN' }, body: 'HIDDEN' },
    response: { status: 500, data: 'HIDDEN' },
  });
  const gathered = Object.assign(new AggregateError([failed], 'handlers failed'), { event: { payload: 'HIDDEN' } });
  for (const error of [failed, gathered, new Error('outer', { cause: failed })]) {
    log.error(error, 'as it is');
    log.error({ err: error }, 'as err');
    log.child({ name: 'probot' }).error({ error }, 'as error');
  }
  expect(lines).toHaveLength(9);
  expect(lines.join('')).toContain('Server Error');
  expect(lines.join('')).not.toContain('HIDDEN');
});
