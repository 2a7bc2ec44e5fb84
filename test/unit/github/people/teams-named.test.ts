import { expect, it } from 'vitest';
import { teamsOfRoles, teamsOfStep } from '../../../../src/github/people/teams-named.ts';
import { planStep } from '../../../fakes/plans.ts';

const DATA = {
  roles: {
    admin: { permissions: ['admin'] },
    approver: { permissions: ['write'], teams: ['acme/approvers', 'acme'], people: ['ada'] },
    broken: null,
  },
  environments: {
    prod: { reviewers: ['acme/release-managers', 'role:release-manager', 'ada', 'a/b/c', 7] },
    staging: {},
  },
};

it('reads the teams of roles', () => {
  expect(teamsOfRoles(DATA)).toEqual(['acme/approvers']);
  expect(teamsOfRoles({})).toEqual([]);
});

it.each([
  ['of its environment, as declared', { environment: 'prod' }, ['acme/release-managers']],
  ['of the environment that a gate names', { with: { environment: 'prod' } }, ['acme/release-managers']],
  ['that a gate itself names', { with: { from: ['acme/leads', 'bo'] } }, ['acme/leads']],
  ['of no environment', {}, []],
  ['of one without reviewers', { environment: 'staging' }, []],
  ['of one that nobody declared', { environment: 'constructor' }, []],
])('reads the teams that matter for a step: those %s', (_, change, teams) => {
  expect(teamsOfStep(DATA, planStep('x', change))).toEqual(teams);
});

it('names none for the run itself', () => {
  expect(teamsOfStep(DATA, undefined)).toEqual([]);
});
