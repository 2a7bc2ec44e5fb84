import { describe, expect, it } from 'vitest';
import { callbackFrom } from '../../../../src/github/protection/callback.ts';

const CLOUD = 'https://api.github.com';
const ENTERPRISE = 'https://ghe.test:8443/api/v3';
const PATH = '/repos/octo/app.js/actions/runs/123/deployment_protection_rule';

describe('the callback of a protection rule', () => {
  it.each([
    [CLOUD, `${CLOUD}${PATH}`],
    [`${CLOUD}/`, `https://API.github.com:443${PATH}`],
    [ENTERPRISE, `${ENTERPRISE}${PATH}`],
  ])('names a workflow run of the GitHub at %s', (apiUrl, url) => {
    expect(callbackFrom(url, apiUrl)).toEqual({ owner: 'octo', repo: 'app.js', workflowRunId: 123 });
  });

  it.each([
    ['another place', `https://evil.test${PATH}`],
    ['a place that begins alike', `https://api.github.com.evil.test${PATH}`],
    ['a place behind a name', `https://api.github.com@evil.test${PATH}`],
    ['a name and a password', `https://user:word@api.github.com${PATH}`],
    ['another port', `https://api.github.com:8443${PATH}`],
    ['another scheme', `http://api.github.com${PATH}`],
    ['a file', `file:///api.github.com${PATH}`],
    ['another operation', `${CLOUD}/repos/octo/app/actions/runs/123/cancel`],
    ['more of a path', `${CLOUD}${PATH}/more`],
    ['a query', `${CLOUD}${PATH}?to=evil`],
    ['a fragment', `${CLOUD}${PATH}#evil`],
    ['a way up', `${CLOUD}/repos/octo/app/../../../actions/runs/123/deployment_protection_rule`],
    ['an encoded way up', `${CLOUD}/repos/octo/%2e%2e/actions/runs/123/deployment_protection_rule`],
    ['an encoded slash', `${CLOUD}/repos/octo/app%2fx/actions/runs/123/deployment_protection_rule`],
    ['no run', `${CLOUD}/repos/octo/app/actions/runs/0/deployment_protection_rule`],
    ['a number that is none', `${CLOUD}/repos/octo/app/actions/runs/1e3/deployment_protection_rule`],
    [
      'a number that is too large',
      `${CLOUD}/repos/octo/app/actions/runs/1${'0'.repeat(17)}/deployment_protection_rule`,
    ],
    ['no URL', 'deployment_protection_rule'],
    ['nothing', ''],
  ])('is refused where it is %s', (_, url) => {
    expect(callbackFrom(url, CLOUD)).toBeUndefined();
  });

  it('is of the API where that lies below a path', () => {
    expect(callbackFrom(`https://ghe.test:8443${PATH}`, ENTERPRISE)).toBeUndefined();
    expect(callbackFrom(`https://ghe.test:8443/api/v33${PATH}`, ENTERPRISE)).toBeUndefined();
  });
});
