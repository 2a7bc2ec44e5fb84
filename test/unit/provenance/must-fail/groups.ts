import { LEDGER, POLICY, STEPS } from './content-groups.ts';
import { JSON_FORM, SIZES } from './form-groups.ts';
import { GATE } from './gate-group.ts';
import type { Group } from './item.ts';
import { IDENTITIES, KEYS, TIMES } from './key-groups.ts';
import { REGISTER } from './register-group.ts';
import { RELATIONS } from './relation-group.ts';
import { SECRETS } from './secret-group.ts';
import { FLIPPED, SIGNATURES, STRANGERS, SUBJECTS } from './signature-groups.ts';

/** Everything that must not pass, in the order of the page. */
export const GROUPS: readonly Group[] = [
  FLIPPED,
  SUBJECTS,
  STRANGERS,
  IDENTITIES,
  KEYS,
  TIMES,
  SIGNATURES,
  REGISTER,
  STEPS,
  POLICY,
  LEDGER,
  JSON_FORM,
  SIZES,
  GATE,
  RELATIONS,
  SECRETS,
];
