import type { CheckAction } from '../../protocol/check.ts';

/** Buttons. GitHub shows them after a check has completed, so what can still be cancelled is what waits for people. */
export const RERUN: CheckAction = {
  label: 'Re-run failed',
  description: 'Run what did not succeed once more',
  identifier: 'rerun-failed',
};
export const APPROVE: CheckAction = { label: 'Approve', description: 'Let it go on', identifier: 'approve' };
export const DENY: CheckAction = { label: 'Deny', description: 'Refuse it: the step ends denied', identifier: 'deny' };
export const CANCEL: CheckAction = { label: 'Cancel', description: 'Cancel the whole run', identifier: 'cancel' };
