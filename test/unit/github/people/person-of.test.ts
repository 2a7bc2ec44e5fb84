import { ProbotOctokit } from 'probot';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Octokit } from '../../../../src/github/octokit.ts';
import { holderOf, personOf, withTeams } from '../../../../src/github/people/person-of.ts';
import { openStage, type Stage } from '../../sandbox/client.ts';

const PLACE = { owner: 'acme', repo: 'app' };

describe('a person as policy judges them', () => {
  let stage: Stage;
  let octokit: Octokit;
  /** Of an App that may not read teams. */
  let unable: Octokit;
  beforeAll(async () => {
    stage = await openStage();
    const { appId, privateKey } = stage.sandbox.registerApp({
      name: 'Teams',
      permissions: { members: 'read' },
      events: [],
      webhookUrl: 'http://127.0.0.1:9/',
      webhookSecret: 'x',
    });
    const client = (auth: object): Octokit =>
      new ProbotOctokit({
        baseUrl: stage.sandbox.apiUrl,
        auth,
        throttle: { enabled: false },
        retry: { enabled: false },
        log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
      });
    octokit = client({ appId, privateKey, installationId: stage.sandbox.install(appId, 'acme', ['app']) });
    unable = client({ appId: stage.appId, privateKey: stage.privateKey, installationId: stage.installationId });
    stage.sandbox.setTeamMember('acme', 'release-managers', 'ada', 'active');
    stage.sandbox.setTeamMember('acme', 'invited', 'ada', 'pending');
  });
  afterAll(async () => await stage.close());

  const principalOf = async (login: string, teams: readonly string[] = [], id = stage.ada.id) =>
    (await personOf(octokit, PLACE, { id, login }, teams)).principal;
  const teamCalls = () =>
    stage.sandbox.calls().filter(({ operation }) => operation === 'teams/get-membership-for-user-in-org').length;

  it('has the number of the account, the permission of now, and of the named teams those that they are in', async () => {
    const named = ['Acme/Release-Managers', 'acme/release-managers', 'acme/invited', 'acme/nobody', 'acme/none-such'];
    expect(await principalOf('ada', named)).toEqual({
      provider: 'github',
      account: String(stage.ada.id),
      login: 'ada',
      permission: 'maintain',
      teams: ['acme/release-managers'],
      isApp: false,
    });
  });

  it('is the same account after they were renamed, and another one has nothing of theirs by the old login', async () => {
    const { sandbox } = stage;
    const cleo = sandbox.createUser('cleo');
    sandbox.setRole('acme', 'app', 'cleo', 'write');
    sandbox.setTeamMember('acme', 'release-managers', 'cleo', 'active');
    sandbox.renameUser('cleo', 'kleo');
    const heir = sandbox.createUser('cleo');
    const teams = ['acme/release-managers'];
    expect(await principalOf('cleo', teams, cleo.id)).toMatchObject({
      account: String(cleo.id),
      login: 'kleo',
      permission: 'write',
      teams,
    });
    expect(await principalOf('cleo', teams, heir.id)).toMatchObject({ permission: 'read', teams: [] });
  });

  it('who was removed has no role and no team from then on: nothing is remembered', async () => {
    const { sandbox } = stage;
    const { id } = sandbox.createUser('dora');
    sandbox.setRole('acme', 'app', 'dora', 'admin');
    sandbox.setTeamMember('acme', 'release-managers', 'dora', 'active');
    const named = ['acme/release-managers'];
    expect(await principalOf('dora', named, id)).toMatchObject({ permission: 'admin', teams: named });
    sandbox.setRole('acme', 'app', 'dora', null);
    sandbox.setTeamMember('acme', 'release-managers', 'dora', null);
    expect(await principalOf('dora', named, id)).toMatchObject({ permission: 'read', teams: [] });
  });

  it('who is gone has no permission, and no team is asked about for them', async () => {
    const before = teamCalls();
    expect(await principalOf('ada', ['acme/release-managers'], 999_999)).toMatchObject({
      permission: 'none',
      teams: [],
    });
    expect(teamCalls()).toBe(before);
  });

  it('is in no team where the App may not read them, and it is said why', async () => {
    const { principal, teamsProblem } = await personOf(unable, PLACE, stage.ada, ['acme/release-managers']);
    expect(principal).toMatchObject({ permission: 'maintain', teams: [] });
    expect(teamsProblem).toContain('may not read teams');
  });

  it('asks about no team of another organisation, and about no more than twenty', async () => {
    const foreign = await personOf(octokit, PLACE, stage.ada, ['other/team']);
    expect(foreign.principal.teams).toEqual([]);
    expect(foreign.teamsProblem).toContain('other/team');
    const before = teamCalls();
    const many = Array.from({ length: 21 }, (_, at) => `acme/team-${at}`);
    expect((await personOf(octokit, PLACE, stage.ada, many)).teamsProblem).toContain('only the first 20');
    expect(teamCalls() - before).toBe(20);
  });

  it('is asked about no team twice', async () => {
    const first = await personOf(octokit, PLACE, stage.ada, ['acme/release-managers']);
    const before = teamCalls();
    const then = await withTeams(octokit, PLACE, first, ['ACME/release-managers', 'acme/invited']);
    expect(teamCalls() - before).toBe(1);
    expect(then.principal.teams).toEqual(['acme/release-managers']);
  });

  it('is an app where GitHub says so, or the event did', async () => {
    expect(await personOf(octokit, PLACE, { ...stage.ada, isApp: true }, [])).toMatchObject({
      principal: { isApp: true },
    });
    const bot = { id: stage.ada.id, login: 'maestro[bot]', role: 'none', isApp: true } as const;
    expect(holderOf(bot).principal.isApp).toBe(true);
    expect(stage.sandbox.violations()).toEqual([]);
  });
});
