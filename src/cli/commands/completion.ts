import { MaestroError } from '../../base/errors.ts';
import type { Command } from '../command.ts';
import { completionScript, SHELLS } from '../completion-script.ts';
import { EXIT } from '../exit-codes.ts';

export const completion: Command = async (args, { output }) => {
  const name = args.required(0);
  const shell = SHELLS.find((candidate) => candidate === name);
  if (!shell) throw new MaestroError('USAGE', `expected ${SHELLS.join(', ')}, got '${name}'`);
  const script = completionScript(shell);
  if (output.isJson) output.json({ shell, script });
  else output.raw(script);
  return EXIT.ok;
};
