import type { Routes } from '../call.ts';
import { ACTIONS } from './actions.ts';
import { ADMINISTRATION } from './administration.ts';
import { APPS } from './apps.ts';
import { ATTESTATIONS } from './attestations.ts';
import { CHECKS } from './checks.ts';
import { COMMENTS } from './comments.ts';
import { COMMITS } from './commits.ts';
import { CONTENTS } from './contents.ts';
import { DEPLOYMENTS } from './deployments.ts';
import { GIT_OBJECTS } from './git-objects.ts';
import { ISSUES } from './issues.ts';
import { PULLS } from './pulls.ts';
import { REACTIONS } from './reactions.ts';
import { RELEASES } from './releases.ts';
import { REPOSITORIES } from './repositories.ts';
import { REVIEW_COMMENTS } from './review-comments.ts';
import { REVIEWS } from './reviews.ts';
import { STATUSES } from './statuses.ts';
import { TEAMS } from './teams.ts';

/** Every operation that the sandbox has, by GitHub's name of it. */
export const ROUTES: Routes = {
  ...ACTIONS,
  ...ADMINISTRATION,
  ...APPS,
  ...ATTESTATIONS,
  ...CHECKS,
  ...COMMENTS,
  ...COMMITS,
  ...CONTENTS,
  ...DEPLOYMENTS,
  ...GIT_OBJECTS,
  ...ISSUES,
  ...PULLS,
  ...REACTIONS,
  ...RELEASES,
  ...REPOSITORIES,
  ...REVIEW_COMMENTS,
  ...REVIEWS,
  ...STATUSES,
  ...TEAMS,
};
