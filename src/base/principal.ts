/** A person, or a program, as policy judges them. */
export interface Principal {
  /** `github`, or `local` for whoever sits at the machine. */
  readonly provider: string;
  /** Stays equal when they are renamed: GitHub's number of the account, or the name of a local user. */
  readonly account: string;
  readonly login: string;
  /** What the repository lets them do, in GitHub's words. */
  readonly permission: 'none' | 'read' | 'triage' | 'write' | 'maintain' | 'admin';
  /** `organisation/team` in lower case: those of the teams that policy or the step names to which they belong. */
  readonly teams: readonly string[];
  /** A program, not a person. */
  readonly isApp: boolean;
}

/** Whoever sits at this machine: nobody there gives out permissions, so they have all. */
export function localPrincipal(name: string): Principal {
  return { provider: 'local', account: name, login: name, permission: 'admin', teams: [], isApp: false };
}
