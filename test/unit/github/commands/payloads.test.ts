import { createRequire } from 'node:module';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import type { JsonObject } from '../../../../src/base/json.ts';
import { checkRequestOf } from '../../../../src/github/commands/check-request.ts';
import { commentOf } from '../../../../src/github/commands/comment-request.ts';

const EXAMPLES = createRequire(import.meta.url)('@octokit/webhooks-examples') as readonly {
  readonly name: string;
  readonly examples: readonly JsonObject[];
}[];
const EVENTS = ['issue_comment', 'pull_request_review_comment', 'pull_request_review', 'check_run', 'check_suite'];
const examples = EXAMPLES.filter(({ name }) => EVENTS.includes(name)).flatMap(({ name, examples }) =>
  examples.map((payload, at) => [name, at, payload] as const),
);

const deliveryOf = (event: string, payload: JsonObject) => {
  const action = typeof payload['action'] === 'string' ? payload['action'] : null;
  return { id: 'd', event, action, installationId: 5, payload, receivedAt: '2026-01-01T00:00:00Z' };
};

it.each(examples)('takes of GitHub’s own example %s %i only what was said and pressed', (event, _, payload) => {
  const delivery = deliveryOf(event, payload);
  const isNew = ['created', 'submitted'].includes(delivery.action ?? '') && !event.startsWith('check');
  const comment = (payload['comment'] ?? payload['review']) as { performed_via_github_app?: object } | undefined;
  const isByApp = typeof comment?.performed_via_github_app === 'object' && comment.performed_via_github_app !== null;
  expect(commentOf(delivery) !== undefined).toBe(
    isNew && !isByApp && !JSON.stringify(payload['sender']).includes('"Bot"'),
  );
  const check = (payload['check_run'] ?? payload['check_suite']) as { app?: { id?: number } } | undefined;
  const isAgain = delivery.action === 'rerequested';
  expect(checkRequestOf(delivery, check?.app?.id ?? -1) !== undefined).toBe(isAgain);
  expect(checkRequestOf(delivery, -2)).toBeUndefined();
});

it('reads a payload of which anything is missing or of another type without failing', () => {
  fc.assert(
    fc.property(fc.constantFrom(...examples), fc.jsonValue(), fc.nat(), ([event, , payload], junk, at) => {
      const keys = Object.keys(payload);
      const key = keys[at % keys.length] ?? '';
      const broken = deliveryOf(event, { ...payload, [key]: junk as JsonObject });
      commentOf(broken);
      checkRequestOf(broken, 1);
    }),
  );
  expect(examples.length).toBeGreaterThan(20);
});
