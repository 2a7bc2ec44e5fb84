import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStage, type Stage } from './client.ts';

const ANNOTATION = { path: 'README.md', start_line: 1, end_line: 1, annotation_level: 'failure', message: 'no' };

describe('checks in the sandbox', () => {
  let stage: Stage;
  let token: string;
  let sha: string;
  beforeAll(async () => {
    stage = await openStage();
    token = await stage.token();
    sha = await stage.sha();
  });
  afterAll(async () => await stage.close());

  const create = async (more: object): Promise<{ status: number; body: { id: number } }> =>
    await stage.call(token, 'POST', '/repos/acme/app/check-runs', { name: 'maestro / ci', head_sha: sha, ...more });

  it.each([
    [
      '51 annotations',
      { output: { title: 't', summary: 's', annotations: Array.from({ length: 51 }, () => ANNOTATION) } },
    ],
    ['a summary of 65,536 characters', { output: { title: 't', summary: 'x'.repeat(65_536) } }],
    ['four buttons', { actions: Array.from({ length: 4 }, () => ({ label: 'l', description: 'd', identifier: 'i' })) }],
    ['a label of 21 characters', { actions: [{ label: 'x'.repeat(21), description: 'd', identifier: 'i' }] }],
    [
      'columns over several lines',
      { output: { title: 't', summary: 's', annotations: [{ ...ANNOTATION, end_line: 2, start_column: 1 }] } },
    ],
    ['a status that does not exist', { status: 'done' }],
    ['a completed check without conclusion', { status: 'completed' }],
    ['a commit that does not exist', { head_sha: 'f'.repeat(40) }],
  ])('refuses %s', async (_, more) => {
    expect((await create(more)).status).toBe(422);
  });

  it('notes a request that GitHub does not describe as a violation', async () => {
    const before = stage.sandbox.violations().length;
    await create({ status: 'done' });
    expect(stage.sandbox.violations().slice(before)).toMatchObject([{ side: 'request', operation: 'checks/create' }]);
  });

  it('appends the annotations of updates and counts them', async () => {
    const fifty = { title: 't', summary: 's', annotations: Array.from({ length: 50 }, () => ANNOTATION) };
    const { body } = await create({ output: fifty });
    await stage.call(token, 'PATCH', `/repos/acme/app/check-runs/${body.id}`, { output: fifty });
    const run = await stage.call(token, 'GET', `/repos/acme/app/check-runs/${body.id}`);
    expect(run.body.output.annotations_count).toBe(100);
    const page = await stage.call(token, 'GET', `/repos/acme/app/check-runs/${body.id}/annotations?per_page=60`);
    expect(page.body).toHaveLength(60);
    expect(page.headers.get('link')).toContain('rel="next"');
  });

  it('tells the owning app of a click on a button or on "Re-run"', async () => {
    const button = { label: 'Approve', description: 'Go on', identifier: 'approve' };
    const { body } = await create({ conclusion: 'action_required', external_id: 'run-1', actions: [button] });
    const click = `${stage.sandbox.url}/_sandbox/check-runs/${body.id}/actions/approve`;
    expect((await stage.call(stage.stranger.token, 'POST', click)).status).toBe(403);
    expect((await stage.call(stage.ada.token, 'POST', click)).status).toBe(201);
    await stage.call(stage.ada.token, 'POST', `${stage.sandbox.url}/_sandbox/check-runs/${body.id}/rerequest`);
    await stage.sandbox.settled();
    const payloads = stage.received.slice(-2).map((received) => JSON.parse(received.body) as object);
    expect(payloads).toMatchObject([
      { action: 'requested_action', requested_action: { identifier: 'approve' }, check_run: { external_id: 'run-1' } },
      { action: 'rerequested', sender: { login: 'ada' } },
    ]);
  });

  it('answers only what GitHub describes', () => {
    expect(stage.sandbox.violations().filter(({ side }) => side === 'response')).toEqual([]);
  });
});
