import { isMaestroError, MaestroError } from '../../base/errors.ts';
import type { GateAnswer } from '../../protocol/client.ts';
import type { GitHubRun } from '../../protocol/github-run.ts';
import type { Octokit } from '../octokit.ts';
import { type KnownPerson, withTeams } from '../people/person-of.ts';
import type { RolePlace } from '../people/role-of.ts';
import { teamsOfRoles, teamsOfStep } from '../people/teams-named.ts';
import { repositoryNamespace } from '../repository-namespace.ts';
import { isAuthor } from './is-author.ts';
import type { Pull } from './pull.ts';
import type { CommandTools } from './tools.ts';

/** Somebody answers a run: by comment, button or the API, it is the same. */
export interface Answering {
  readonly engine: CommandTools['engine'];
  readonly octokit: Octokit;
  /** Where the repository is by now. */
  readonly place: RolePlace;
  readonly row: GitHubRun;
  /** The run's own pull request: another one of the same commit may be somebody else's, opened to approve this one with. */
  readonly pull: Pull | null;
  readonly person: KnownPerson;
}

type Answer = Pick<GateAnswer, 'decision' | 'reason' | 'begunBefore'> & {
  /** The step's id; null for the run itself. */
  readonly gate: string | null;
};

/**
 * Says to the engine who answers, as GitHub knows them now: their teams that matter for this gate, and whether the change is
 * their own. Whether that is enough, policy says.
 * @throws GATE_NOT_OPEN, APPROVAL_NOT_ALLOWED, CONFLICT, TOO_MANY_ANSWERS
 */
export async function giveAnswer(
  { engine, octokit, place, row, pull, person }: Answering,
  answer: Answer,
): Promise<void> {
  const run = await engine.resolve(row.runId);
  const data = await engine.policyData(repositoryNamespace(row.installationId, row.repositoryId));
  const step = (await engine.readPlan(run)).steps.find(({ id }) => id === answer.gate);
  const teams = [...teamsOfRoles(data), ...teamsOfStep(data, step)];
  const { principal, teamsProblem } = await withTeams(octokit, place, person, teams);
  const change = { pull, trigger: await engine.readTrigger(run), headSha: row.headSha };
  const isOwn = answer.decision !== 'revoke' && (await isAuthor(octokit, place, person, change));
  try {
    await engine.answerGate(run, { ...answer, principal, isAuthor: isOwn });
  } catch (error) {
    throw withProblem(error, teamsProblem);
  }
}

/**
 * Who approves a run of a pull request has looked at it as it was: what was pushed since makes another run.
 * @throws CONFLICT
 */
export function assertNewest(pull: Pull | null, { headSha }: GitHubRun): void {
  if (pull === null || pull.headSha === headSha) return;
  throw new MaestroError(
    'CONFLICT',
    `the pull request has a newer commit, ${pull.headSha}, than the run of ${headSha}: look at that one, then approve it`,
  );
}

function withProblem(error: unknown, problem: string | null): unknown {
  if (problem === null || !isMaestroError(error, 'APPROVAL_NOT_ALLOWED')) return error;
  return new MaestroError('APPROVAL_NOT_ALLOWED', `${error.message}; ${problem}`, { cause: error });
}
