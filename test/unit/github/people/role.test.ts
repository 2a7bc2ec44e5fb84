import { expect, it } from 'vitest';
import { foldRole, hasRole } from '../../../../src/github/people/role.ts';

it.each([
  ['admin', 'admin', 'admin'],
  ['maintain', 'write', 'maintain'],
  ['write', 'write', 'write'],
  ['triage', 'read', 'triage'],
  ['read', 'read', 'read'],
  ['none', 'none', 'none'],
  // A custom role counts as what it is based on.
  ['release-manager', 'write', 'write'],
  ['reviewer', 'read', 'read'],
  [undefined, 'admin', 'admin'],
  // What contradicts itself grants the lesser.
  ['admin', 'read', 'read'],
  ['maintain', 'none', 'none'],
  ['read', 'admin', 'read'],
  ['odd', 'odd', 'none'],
] as const)('role_name %s with permission %s is the role %s', (roleName, permission, role) => {
  expect(foldRole(roleName, permission)).toBe(role);
});

it('orders roles from none to admin', () => {
  expect(hasRole('maintain', 'write')).toBe(true);
  expect(hasRole('triage', 'write')).toBe(false);
  expect(hasRole('none', 'none')).toBe(true);
});
