import type { DeliveryHandler } from '../delivery-handler.ts';
import { handleChecks } from './check-handler.ts';
import { handleComments } from './comment-handler.ts';
import type { CommandTools } from './tools.ts';

/** Handlers by event and action. Other actions of these events have none: edited and deleted comments ask for nothing. */
export function commandHandlers(tools: CommandTools): Readonly<Record<string, DeliveryHandler>> {
  const comments = handleComments(tools);
  const checks = handleChecks(tools);
  return {
    'issue_comment.created': comments,
    'pull_request_review_comment.created': comments,
    'pull_request_review.submitted': comments,
    'check_run.rerequested': checks,
    'check_run.requested_action': checks,
    'check_suite.rerequested': checks,
  };
}
