import type { Octokit } from '../octokit.ts';
import type { KnownPerson } from '../people/person-of.ts';
import type { CheckRequest } from './check-request.ts';
import type { CommandTools } from './tools.ts';

/** A button of a check, pressed by somebody who may. */
export interface Press {
  readonly tools: CommandTools;
  readonly octokit: Octokit;
  readonly request: CheckRequest;
  readonly person: KnownPerson;
}
