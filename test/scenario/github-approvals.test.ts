import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPerson, type Person } from '../../app/demo/person.ts';
import { eventually, type GitHubWorld, openGitHubWorld } from './github-world.ts';
import { Project } from './maestro.ts';

const TWO = `name: two
kind: ci
purpose: deploy
on:
  pull_request: { paths: ["two/**"] }
defaults: { runner: ubuntu-latest, timeout: 2m }
steps:
  - id: build
    run: echo built
  - id: agree
    needs: [build]
    uses: approval
    with: { message: Go on?, approvals: 2, expires: 24h }
  - id: show
    needs: [agree]
    run: echo shown
`;
const ONE = `name: one
kind: ci
purpose: deploy
on:
  pull_request: { paths: ["one/**"] }
defaults: { runner: ubuntu-latest, timeout: 2m }
steps:
  - id: build
    run: echo built
  - id: agree
    needs: [build]
    uses: approval
    with: { message: Go on?, expires: 24h }
`;
const TEAM = `name: team
kind: ci
purpose: deploy
on:
  pull_request: { paths: ["team/**"] }
defaults: { runner: ubuntu-latest, timeout: 2m }
steps:
  - id: build
    run: echo built
  - id: agree
    needs: [build]
    uses: approval
    with: { message: Go on?, from: [acme/release-managers] }
`;

describe('people who approve', () => {
  let world: GitHubWorld;
  let hugo: Person;
  beforeAll(async () => {
    world = await openGitHubWorld({
      files: { '.maestro/two.yaml': TWO, '.maestro/one.yaml': ONE, '.maestro/team.yaml': TEAM },
    });
    hugo = createPerson(world.sandbox, 'hugo');
    world.sandbox.setRole('acme', 'app', 'hugo', 'write');
  });
  afterAll(() => world.close());

  const gate = (pipeline: string): string => `maestro / ${pipeline} / agree`;

  /** A pull request of ada's whose run waits at its gate. */
  async function waiting(
    pipeline: string,
    branch: string,
  ): Promise<{ readonly sha: string; readonly pull: number; readonly run: string; readonly check: number }> {
    const { sha, pull } = await world.propose(branch, { [`${pipeline}/${branch}`]: branch });
    const { id, externalId } = await world.check(sha, gate(pipeline), 'action_required');
    return { sha, pull, run: externalId.split('/')[0] ?? '', check: id };
  }

  async function answer(
    token: string,
    run: string,
    verb: string,
    body: object = {},
  ): Promise<{ readonly status: number; readonly code: string | undefined }> {
    const response = await fetch(`${world.env.MAESTRO_URL}/api/v1/runs/${run}:${verb}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ reason: '', ...body }),
    });
    const { code } = (await response.json()) as { readonly code?: string };
    return { status: response.status, code };
  }
  const tokenOf = ({ login }: Person): string => world.sandbox.issueUserToken(login, 'ghp_', ['repo']);
  const isStillWaiting = (sha: string, pipeline: string) => world.check(sha, gate(pipeline), 'action_required');

  it('are two accounts that did not write it: nobody counts twice, by whatever name, and who takes it back does not count', async () => {
    const { ada, grace, sandbox } = world;
    const { sha, pull } = await waiting('two', 'counted');
    expect(await world.ask(ada, pull, '/maestro approve agree mine')).toContain('wrote this');
    expect(await world.ask(hugo, pull, '/maestro approve agree once')).toContain('approved gate **agree**');
    await world.ask(hugo, pull, '/maestro approve agree twice');
    sandbox.renameUser('hugo', 'hugobert');
    expect(await world.ask(hugo, pull, '/maestro approve agree thrice')).toContain('hugobert approved');
    sandbox.renameUser('hugobert', 'hugo');
    expect(await world.ask(hugo, pull, '/maestro revoke agree found a bug')).toContain('took back the approval');
    await world.ask(grace, pull, '/maestro approve agree tested');
    await isStillWaiting(sha, 'two');
    await world.ask(hugo, pull, '/maestro approve agree it was none');
    await world.check(sha, 'maestro / two', 'success');
    expect(await world.ask(hugo, pull, '/maestro revoke agree')).toContain('no gate of the newest commit waits');
  });

  it('are asked of GitHub each time: a member who was removed, and a team', async () => {
    const { sandbox } = world;
    const { sha, pull } = await waiting('one', 'removed');
    sandbox.setRole('acme', 'app', 'hugo', null);
    expect(await world.ask(hugo, pull, '/maestro approve agree as before')).toMatch(/Not done.*the read role/);
    await isStillWaiting(sha, 'one');
    sandbox.setRole('acme', 'app', 'hugo', 'write');
    const named = await waiting('team', 'named');
    expect(await world.ask(hugo, named.pull, '/maestro approve')).toContain('none of those whom the gate names');
    sandbox.setTeamMember('acme', 'release-managers', 'hugo', 'active');
    expect(await world.ask(hugo, named.pull, '/maestro approve')).toContain('approved gate **agree**');
    await world.check(named.sha, 'maestro / team', 'success');
  });

  it('consent to what they saw: nothing that was said before a new commit opens its gate, however often it comes', async () => {
    const { ada, grace, repository, sandbox } = world;
    const { sha, pull, check } = await waiting('one', 'stale');
    const id = await grace.comment(repository, pull, '/maestro approve agre looks good');
    const said = await eventually('the comment’s webhook', () =>
      sandbox.deliveries().find(({ event, payload }) => event === 'issue_comment' && idOf(payload) === id),
    );
    await eventually('an answer', async () =>
      (await world.answers(pull)).find((body) => body.includes(`issue-comment/${id} `)),
    );
    const newer = await ada.push(repository, 'stale', { message: 'feat: more', files: { 'one/more': 'more' } });
    const next = await world.check(newer, gate('one'), 'action_required');
    // The same again, as GitHub would redeliver it, and as somebody who caught it would under a name of their own.
    expect(await world.deliver('issue_comment', said.payload, said.guid)).toBeLessThan(300);
    expect(await world.deliver('issue_comment', said.payload)).toBeLessThan(300);
    // One that was never heard of, written before the commit.
    expect(await world.deliver('issue_comment', forged(said.payload, '/maestro approve agree late'))).toBeLessThan(300);
    // The App's own words, and those of another.
    for (const change of [
      { performed_via_github_app: { id: world.appId } },
      { user: { id: 1, login: 'x', type: 'Bot' } },
    ])
      expect(await world.deliver('issue_comment', forged(said.payload, '/maestro approve agree', change))).toBeLessThan(
        300,
      );
    // The button of the commit before, which may be on the screen still.
    await world.press(grace, check, 'approve').catch(() => {});
    expect(await world.ask(grace, pull, '/maestro status')).toContain('agree waits for an answer');
    expect(await world.check(newer, gate('one'), 'action_required')).toMatchObject({ externalId: next.externalId });
    expect((await world.answers(pull)).filter((body) => body.includes('approved gate'))).toEqual([]);
    expect(await answer(tokenOf(grace), await runOf(sha, 'one'), 'approve')).toMatchObject({ status: 409 });
    expect(await world.ask(grace, pull, '/maestro approve agree read this one')).toContain('approved gate');
    await world.check(newer, 'maestro / one', 'success');
  });

  const runOf = async (sha: string, pipeline: string): Promise<string> =>
    (await world.checks(sha)).find(({ name }) => name === gate(pipeline))?.externalId.split('/')[0] ?? '';

  it('may do so over HTTP and from a shell, with a token that says who they are', async () => {
    const { ada, grace, mallory, sandbox } = world;
    const { sha, run } = await waiting('two', 'called');
    const refused = [
      [tokenOf(ada), 403, 'APPROVAL_NOT_ALLOWED'],
      [tokenOf(mallory), 403, 'APPROVAL_NOT_ALLOWED'],
      [sandbox.issueUserToken('grace', 'gho_', ['read:user']), 403, 'APPROVAL_NOT_ALLOWED'],
      [sandbox.issueUserToken('grace', 'ghu_'), 401, 'UNAUTHENTICATED'],
      [`ghp_${'0'.repeat(36)}`, 401, 'UNAUTHENTICATED'],
    ] as const;
    const agree = { gate: 'agree' };
    for (const [token, status, code] of refused)
      expect(await answer(token, run, 'approve', agree)).toEqual({ status, code });
    expect(await answer(tokenOf(grace), run, 'approve')).toEqual({ status: 409, code: 'GATE_NOT_OPEN' });
    expect(await answer(tokenOf(grace), '01nosuchrun', 'approve', agree)).toEqual({
      status: 404,
      code: 'RUN_NOT_FOUND',
    });
    await isStillWaiting(sha, 'two');
    expect(await answer(tokenOf(grace), run, 'approve', agree)).toMatchObject({ status: 200 });
    const shell = new Project({ GH_TOKEN: tokenOf(hugo) });
    const said = await shell.maestro(
      'approve',
      run,
      'agree',
      '--server',
      world.env.MAESTRO_URL ?? '',
      '--reason',
      'ok',
    );
    shell.remove();
    expect(said).toMatchObject({ code: 0 });
    expect(said.stdout).toContain(`hugo approved gate agree of ${run}`);
    await world.check(sha, 'maestro / two', 'success');
  });

  it('and others who deny at the same moment, each in another way: one of them decides', async () => {
    const { grace } = world;
    const { sha, run, pull, check } = await waiting('one', 'raced');
    const [yes, no] = [tokenOf(grace), tokenOf(hugo)];
    const answers = await Promise.all([
      ...Array.from({ length: 4 }, () => answer(yes, run, 'approve')),
      ...Array.from({ length: 4 }, () => answer(no, run, 'deny')),
      world.press(grace, check, 'approve').then(() => ({ status: 0, code: undefined })),
    ]);
    const { conclusion } = await eventually('a verdict', async () =>
      (await world.checks(sha)).find(
        ({ name, conclusion: one }) => name === gate('one') && one !== null && one !== 'action_required',
      ),
    );
    const counted = answers.filter(({ status }) => status === 200).length;
    expect(counted).toBeLessThanOrEqual(1);
    expect(answers.filter(({ status }) => status === 409 || status === 429)).toHaveLength(8 - counted);
    expect(['success', 'failure']).toContain(conclusion);
    expect(await world.ask(grace, pull, '/maestro approve agree late')).toContain('no gate of the newest commit waits');
  });
});

interface CommentPayload {
  readonly comment?: Readonly<Record<string, unknown>>;
}

function idOf(payload: object): unknown {
  return (payload as CommentPayload).comment?.id;
}

let lastForged = 900_000;

function forged(payload: object, body: string, change: object = {}): object {
  const { comment } = payload as CommentPayload;
  return { ...payload, comment: { ...comment, id: ++lastForged, body, ...change } };
}
