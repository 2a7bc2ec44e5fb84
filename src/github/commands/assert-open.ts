import { MaestroError } from '../../base/errors.ts';
import type { Pull } from './pull.ts';

/** @throws CONFLICT: nothing is started for what is merged or closed */
export function assertOpen(pull: Pull): void {
  if (!pull.isOpen) throw new MaestroError('CONFLICT', 'the pull request is closed: reopen it first');
}
