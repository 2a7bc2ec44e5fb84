import { parseDuration } from '../../base/duration.ts';
import { MaestroError } from '../../base/errors.ts';
import { listKeys, type RingKey, revokeKey, rotateKey } from '../../provenance/key-ring.ts';
import { trustedKeysDocument } from '../../provenance/trusted-keys.ts';
import type { Arguments } from '../arguments.ts';
import type { Command } from '../command.ts';
import type { CommandContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { safeText } from '../terminal-text.ts';

/** What a run may take between its end and its signature, and a process that goes on with the old key. */
const OVERLAP_DEFAULT = '1h';

export const keys: Command = async (args, context) => {
  const [deed, hint, more] = args.positionals;
  if (more !== undefined || (deed !== 'revoke' && hint !== undefined))
    throw new MaestroError('USAGE', `expected no more words, got '${more ?? hint}' too`);
  const shown = await ringAfter(deed, hint, args, context);
  if (context.output.isJson) context.output.json({ ...trustedKeysDocument([]), keys: shown });
  else showKeys(shown, context);
  return EXIT.ok;
};

async function ringAfter(
  deed: string | undefined,
  hint: string | undefined,
  args: Arguments,
  { keyRing, clock, output }: CommandContext,
): Promise<readonly RingKey[]> {
  if (deed === 'list') return listKeys(keyRing);
  if (deed === 'rotate') {
    const shown = await rotateKey(keyRing, clock.now(), overlapOf(args));
    output.note('processes that run go on with the key that they opened: restart servers before the overlap is over');
    return shown;
  }
  if (deed === 'revoke' && hint !== undefined) return revokeKey(keyRing, hint, clock.now());
  throw new MaestroError('USAGE', 'expected `maestro keys list`, `maestro keys rotate` or `maestro keys revoke HINT`');
}

function overlapOf(args: Arguments): number {
  const text = args.text('overlap') ?? OVERLAP_DEFAULT;
  const ms = parseDuration(text);
  if (ms === undefined) throw new MaestroError('USAGE', `expected --overlap as 30m, 1h or 2d, got '${text}'`);
  return ms;
}

function showKeys(shown: readonly RingKey[], { output, keyRing }: CommandContext): void {
  const { paint } = output;
  for (const key of shown) {
    output.line(`${safeText(key.hint)}  ${stateOf(key, paint)}`);
    const times = [key.notBefore && `from ${key.notBefore}`, key.notAfter && `until ${key.notAfter}`, key.comment];
    const said = times.filter((text) => text !== undefined && text !== '').map((text) => safeText(String(text)));
    if (said.length > 0) output.line(paint.dim(`  ${said.join(', ')}`));
  }
  if (shown.length === 0) output.line('no key yet: the first run makes one');
  output.note(`public keys: ${keyRing.ringFile}`);
}

function stateOf({ isCurrent, isRevoked, revokedAt }: RingKey, paint: CommandContext['output']['paint']): string {
  if (isRevoked === true) return paint.red(`revoked${revokedAt === undefined ? '' : ` ${safeText(revokedAt)}`}`);
  return isCurrent ? paint.green('signs') : 'verifies';
}
