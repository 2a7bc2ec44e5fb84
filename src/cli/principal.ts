import { MaestroError } from '../base/errors.ts';
import type { Principal } from './context.ts';

/** Who a person may say to be: letters, digits and signs, no space, colon or control character. */
const ID = /^[^\s:\p{C}]{1,128}$/u;

/**
 * The principal of a name that somebody gave: claimed, not proven, and therefore always of this machine (`local`). Other
 * providers vouch for their own people; whoever types a command cannot speak for them.
 *
 * @param given `ana` or `local:ana`
 * @throws MaestroError USAGE
 */
export function claimedPrincipal(given: string): Principal {
  const cut = given.indexOf(':');
  const provider = cut < 0 ? 'local' : given.slice(0, cut);
  const id = given.slice(cut + 1);
  if (provider !== 'local')
    throw new MaestroError(
      'USAGE',
      `expected the name of somebody of this machine, got one of the provider '${provider}'`,
    );
  if (!ID.test(id))
    throw new MaestroError('USAGE', `expected a name of 1 to 128 characters without spaces and colons, got '${id}'`);
  return { provider: 'local', id };
}
