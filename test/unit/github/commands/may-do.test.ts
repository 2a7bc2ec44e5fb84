import { beforeAll, describe, expect, it } from 'vitest';
import { COMMAND_ROWS, roleFor } from '../../../../src/github/commands/command-table.ts';
import { assertMayDo } from '../../../../src/github/commands/may-do.ts';
import { holderOf } from '../../../../src/github/people/person-of.ts';
import { hasRole } from '../../../../src/github/people/role.ts';
import { sharedWorld } from './shared-world.ts';

const world = sharedWorld();
const REPOSITORY = { id: 900, installationId: 5 };
const NAMESPACE = { tenant: 'github:5', name: 'github:900' };
const ROLES = ['none', 'read', 'triage', 'write', 'maintain', 'admin'] as const;

const person = (role: (typeof ROLES)[number], change: object = {}) => {
  const known = holderOf({ id: 1, login: 'ada', role, isApp: false });
  return { ...known, principal: { ...known.principal, ...change } };
};
const mayDo = (verb: Parameters<typeof assertMayDo>[3], who: ReturnType<typeof person>, isPublic = false) =>
  assertMayDo(world().engine, { repository: REPOSITORY, isPublic }, who, verb).then(
    () => true,
    (error: Error & { code?: string }) => {
      if (error.code !== 'POLICY_DENIED') throw error;
      return error.message;
    },
  );

describe('who may do what', () => {
  it.each(COMMAND_ROWS.map(({ verb }) => verb))(
    '%s: the table of commands says what the defaults of policy are',
    async (verb) => {
      for (const isPublic of [false, true])
        for (const role of ROLES)
          expect([verb, isPublic, role, (await mayDo(verb, person(role), isPublic)) === true]).toEqual([
            verb,
            isPublic,
            role,
            hasRole(role, roleFor(verb, isPublic)),
          ]);
    },
  );

  it('says who wanted what, and which datum decides', async () => {
    expect(await mayDo('approve', person('read'))).toMatch(
      /policy does not let ada, who has the read role here, ask for approve: .*actions\.approve/,
    );
  });

  it('says why a team may be missing', async () => {
    const unsure = { ...person('read'), teamsProblem: 'the App may not read teams' };
    expect(await mayDo('approve', unsure)).toContain('the App may not read teams');
  });

  it('lets no App do more than look', async () => {
    expect(await mayDo('status', person('write', { isApp: true }))).toBe(true);
    expect(await mayDo('approve', person('admin', { isApp: true }))).toContain('is an App');
  });

  describe('where the repository has rules of its own', () => {
    beforeAll(async () => {
      const patch = {
        roles: { approver: { permissions: [], teams: ['acme/approvers'], people: ['bo'] } },
        actions: { approve: { roles: ['approver'] } },
      };
      await world().engine.setPolicy(NAMESPACE, patch, { path: '.maestro/policy.yaml', commit: null });
    });

    it.each([
      ['with a permission that had sufficed', {}, false],
      ['of a team', { teams: ['acme/approvers'] }, true],
      ['by their login', { login: 'Bo' }, true],
    ])('%s', async (_, change, may) => {
      expect((await mayDo('approve', person('write', change))) === true).toBe(may);
    });

    it('and nobody else’s: another repository keeps the defaults', async () => {
      const elsewhere = { repository: { ...REPOSITORY, id: 901 }, isPublic: false };
      await expect(assertMayDo(world().engine, elsewhere, person('write'), 'approve')).resolves.toBeUndefined();
    });
  });
});
