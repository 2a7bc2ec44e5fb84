import { MaestroError } from '../../base/errors.ts';
import { nearest } from '../../pipeline/suggest.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { commandNames, findCommand } from '../find-command.ts';
import { commandHelp, generalHelp } from '../help-text.ts';

export const help: Command = async (args, { output, version }) => {
  const name = args.positionals[0];
  if (name === undefined) {
    output.raw(generalHelp(version, output.paint));
    return EXIT.ok;
  }
  const spec = findCommand(name);
  if (!spec) {
    const suggestion = nearest(name, commandNames());
    throw new MaestroError(
      'USAGE',
      `there is no command '${name}'${suggestion ? `; did you mean '${suggestion}'?` : ''}`,
    );
  }
  output.raw(commandHelp(spec, output.paint));
  return EXIT.ok;
};
