import type { JsonObject } from '../../base/json.ts';
import type { RepositoryFacts } from '../code-event.ts';
import type { Delivery } from '../delivery-handler.ts';
import { numberAt, textAt } from '../intake/payload.ts';
import { repositoryOf } from '../matching/code-events.ts';
import type { Person } from '../people/role-of.ts';
import { isPublicRepository, personAt } from './comment-request.ts';

type CheckButton = 'rerun' | 'rerun-failed' | 'approve' | 'deny' | 'cancel';

/** Who pressed what, on which check of ours. */
export interface CheckRequest {
  /** Names the press in the records: a redelivery has the same. */
  readonly key: string;
  readonly button: CheckButton;
  readonly externalId: string;
  readonly headSha: string;
  /** When the check was completed, by GitHub's clock; null where it was not, or GitHub does not say. */
  readonly completedAt: string | null;
  /** Of the branch that was pushed; null for the head of a fork. */
  readonly headBranch: string | null;
  readonly repository: RepositoryFacts;
  /** Everybody may read the repository. */
  readonly isPublic: boolean;
  readonly sender: Person;
}

/** The press of a delivery; undefined where the check is not ours, or the button is unknown. */
export function checkRequestOf(delivery: Delivery, appId: number): CheckRequest | undefined {
  const { payload, action } = delivery;
  const button = action === 'rerequested' ? 'rerun' : buttonOf(payload);
  const noun = delivery.event === 'check_suite' ? 'check_suite' : 'check_run';
  const repository = repositoryOf(delivery);
  const sender = personAt(payload, 'sender');
  const headSha = textAt(payload, `${noun}.head_sha`);
  if (button === undefined || !repository || !sender || headSha === undefined) return undefined;
  if (numberAt(payload, `${noun}.app.id`) !== appId) return undefined;
  const suite = noun === 'check_suite' ? noun : 'check_run.check_suite';
  return {
    key: `delivery/${delivery.id}`,
    button,
    externalId: textAt(payload, `${noun}.external_id`) ?? '',
    headSha,
    completedAt: textAt(payload, `${noun}.completed_at`) ?? null,
    headBranch: textAt(payload, `${suite}.head_branch`) ?? null,
    repository,
    isPublic: isPublicRepository(payload),
    sender,
  };
}

const BUTTONS: readonly CheckButton[] = ['rerun-failed', 'approve', 'deny', 'cancel'];

function buttonOf(payload: JsonObject): CheckButton | undefined {
  const identifier = textAt(payload, 'requested_action.identifier');
  return BUTTONS.find((one) => one === identifier);
}
