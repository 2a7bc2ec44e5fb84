import type { Role } from '../people/role.ts';

export type Verb =
  | 'help'
  | 'run'
  | 'retry'
  | 'cancel'
  | 'approve'
  | 'deny'
  | 'revoke'
  | 'explain'
  | 'status'
  | 'logs'
  | 'ok-to-test'
  | 'plan';

/** One row of the table from which parsing, `/maestro help` and the reference page are made. */
export interface CommandRow {
  readonly verb: Verb;
  /** After `/maestro <verb>`. */
  readonly usage: string;
  readonly summary: string;
  /** Who may, unless the policy of the repository says otherwise: the defaults of its data say the same. */
  readonly role: Role;
  /**
   * Where everybody may read the repository. Logs, plans and reasons of policy show more than its files do, and computing
   * them costs more than a stranger should be able to spend.
   */
  readonly publicRole?: Role;
  /** Paragraphs of the reference page. */
  readonly details: readonly string[];
  readonly example: string;
}

export const COMMAND_ROWS: readonly CommandRow[] = [
  {
    verb: 'help',
    usage: '',
    summary: 'list the commands, with those of this repository’s pipelines',
    role: 'none',
    details: ['Comments on plain issues are left alone: they have no commit, and the App may only read them.'],
    example: '/maestro help',
  },
  {
    verb: 'status',
    usage: '',
    summary: 'show the runs of the newest commit, and what waits for whom',
    role: 'read',
    details: [],
    example: '/maestro status',
  },
  {
    verb: 'run',
    usage: '[pipeline] [key=value ...]',
    summary: 'start a pipeline on the newest commit, or all whose triggers match',
    role: 'write',
    details: [
      'With a name the pipeline is started whether or not its triggers match. Parameters are given as `key=value`, `key="with spaces"`.',
      'On a fork’s pull request the commit has to be vouched for first: see `ok-to-test`.',
    ],
    example: '/maestro run nightly browser="Firefox ESR"',
  },
  {
    verb: 'retry',
    usage: '[step]',
    summary: 'run again what failed on the newest commit, or a step and what follows it',
    role: 'write',
    details: [
      'Successes are kept. The new run joins the concurrency group of the first. On a closed pull request it is done as well, and goes on.',
    ],
    example: '/maestro retry integration',
  },
  {
    verb: 'cancel',
    usage: '',
    summary: 'cancel the runs of this pull request that have not ended',
    role: 'write',
    details: [],
    example: '/maestro cancel',
  },
  {
    verb: 'approve',
    usage: '[gate] [reason]',
    summary: 'open a gate that waits',
    role: 'write',
    details: [
      'The gate may be left out where exactly one waits. Where two pipelines have a gate of the same name, write `pipeline/gate`. A single word is always the name of a gate, and the name of a pipeline or step at the beginning is never taken for a reason: `approve production …` opens nothing else while production does not wait yet.',
      'Who wrote or pushed the change cannot approve it, unless the gate says `not-author: false`. Gates and policy may say more: who, how many, until when (see [Approvals](../guides/approvals.md)). Nobody counts twice, whatever they are called by then, and apps do not count.',
      'Consent is to what the author could see: what began to wait after the comment was written needs a new comment. In a review it counts for the commit that was reviewed. It is to the run of the newest commit; a push makes another run, whose gates ask anew.',
    ],
    example: '/maestro approve production the change window is open',
  },
  {
    verb: 'deny',
    usage: '[gate] [reason]',
    summary: 'close a gate that waits: the run fails',
    role: 'write',
    details: ['The author of a change may deny it.'],
    example: '/maestro deny production not on a Friday',
  },
  {
    verb: 'revoke',
    usage: '[gate] [reason]',
    summary: 'take back your own approval of a gate that still waits',
    role: 'write',
    details: [
      'What was approved by enough people is used at once, and cannot be taken back: cancel the run. Afterwards you may approve again.',
    ],
    example: '/maestro revoke production found a bug',
  },
  {
    verb: 'explain',
    usage: '[step]',
    summary: 'show why a step ran, waits, was skipped or denied',
    role: 'read',
    publicRole: 'triage',
    details: [
      'Without a step: those that did not succeed. Each pack of policy says what it thinks of a step, with the datum that would change that; one that has nothing against it is only named.',
    ],
    example: '/maestro explain deploy',
  },
  {
    verb: 'logs',
    usage: '[step]',
    summary: 'show the last lines of a step’s log',
    role: 'read',
    publicRole: 'triage',
    details: ['Without a step: of the first one that failed.'],
    example: '/maestro logs build',
  },
  {
    verb: 'plan',
    usage: '',
    summary: 'show what would run on the newest commit, and what policy says to it; nothing is started',
    role: 'read',
    publicRole: 'triage',
    details: [],
    example: '/maestro plan',
  },
  {
    verb: 'ok-to-test',
    usage: '[sha]',
    summary: 'let the pipelines run on the newest commit of a fork',
    role: 'write',
    details: [
      'Read the commit before you vouch for it: its code runs on your runners. The permission holds for that commit only; a push voids it.',
      'Without a SHA it is refused when the fork was pushed to after you wrote the comment, or when that cannot be ruled out. With all 40 characters it holds for exactly what you named, if that is still the newest commit. A shorter SHA is compared as well, but does not replace the check: other commits can be made that begin alike. In a review it holds for the commit that was reviewed.',
      'The pipelines are those of the base branch as it is now, and the permission is for that branch: it is refused when the base branch was changed after you wrote the comment.',
    ],
    example: '/maestro ok-to-test 1f2e3d4c5b6a79881f2e3d4c5b6a79881f2e3d4c',
  },
];

function rowOf(verb: Verb): CommandRow {
  const row = COMMAND_ROWS.find((one) => one.verb === verb);
  if (!row) throw new RangeError(`the table of commands has no ${verb}`);
  return row;
}

/** The least role that a command needs in a repository, where its policy does not say otherwise. */
export function roleFor(verb: Verb, isPublic: boolean): Role {
  const row = rowOf(verb);
  return isPublic ? (row.publicRole ?? row.role) : row.role;
}

export function usageOf(row: CommandRow): string {
  return `/maestro ${row.verb}${row.usage === '' ? '' : ` ${row.usage}`}`;
}
