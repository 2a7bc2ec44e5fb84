/** What a person may do in a repository, least first. */
const ROLES = ['none', 'read', 'triage', 'write', 'maintain', 'admin'] as const;

export type Role = (typeof ROLES)[number];

export function hasRole(role: Role, least: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(least);
}

/**
 * The role in GitHub's answer. `role_name` is exact (`permission` folds maintain into write and triage into read), but may
 * be the name of a custom role, which counts as what it is based on. Where the two contradict each other, the lesser one counts.
 */
export function foldRole(roleName: string | undefined, permission: string): Role {
  const folded = FOLDED[permission] ?? 'none';
  const exact = ROLES.find((role) => role === roleName);
  if (exact === undefined) return folded;
  return PERMISSION_OF[exact] === folded || hasRole(folded, exact) ? exact : folded;
}

const FOLDED: Readonly<Record<string, Role>> = { admin: 'admin', write: 'write', read: 'read' };
const PERMISSION_OF: Readonly<Record<Role, Role>> = {
  none: 'none',
  read: 'read',
  triage: 'read',
  write: 'write',
  maintain: 'write',
  admin: 'admin',
};
