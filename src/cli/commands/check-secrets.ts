import { MaestroError } from '../../base/errors.ts';
import { checkExposure, isFindable } from '../../provenance/check-exposure.ts';
import type { Arguments } from '../arguments.ts';
import type { CommandContext } from '../context.ts';
import { readSecrets } from '../run-request.ts';

/**
 * That no value of a secret which the reader names is in what was verified: whoever hands it on looks first.
 * @throws VerificationError SECRET_EXPOSED; SECRET_NOT_FOUND for one that the environment lacks, SECRET_UNUSABLE for one too short
 */
export function checkSecrets(files: ReadonlyMap<string, Uint8Array>, args: Arguments, context: CommandContext): void {
  const secrets = readSecrets(args, context);
  const short = Object.entries(secrets).find(([, value]) => !isFindable(value));
  if (short)
    throw new MaestroError('SECRET_UNUSABLE', `${short[0]} is too short to be looked for: it stands everywhere`);
  checkExposure(files, Object.values(secrets));
}
