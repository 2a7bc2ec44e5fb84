import { didYouMean } from '../../pipeline/suggest.ts';
import type { Role } from '../people/role.ts';
import { safeCell, safeText } from '../report/safe-text.ts';
import { answerTable } from './answer-table.ts';
import { COMMAND_ROWS, roleFor, usageOf } from './command-table.ts';
import type { PipelineCommand } from './tools.ts';

export function helpText(isPublic: boolean, own: readonly PipelineCommand[]): string {
  const rows = COMMAND_ROWS.map((row) => [
    `\`${usageOf(row)}\``,
    safeCell(row.summary),
    whoMay(roleFor(row.verb, isPublic)),
  ]);
  const more = own.map(({ name, pipeline, permission }) => [
    `\`/maestro ${name}\``,
    `starts ${safeCell(pipeline)}`,
    whoMay(permission),
  ]);
  return answerTable(['command', 'what it does', 'who may, unless policy says otherwise'], [...rows, ...more]);
}

export function unknownText(name: string, own: readonly PipelineCommand[]): string {
  const names = [...COMMAND_ROWS.map(({ verb }) => verb), ...own.map((one) => one.name)];
  return `There is no command ${safeText(name)}${safeText(didYouMean(name, names))}. \`/maestro help\` lists them.`;
}

export function denialText(what: string, needed: Role, has: Role): string {
  const yours = has === 'none' ? 'you have no role here' : `you have the ${has} role`;
  return `Not done: ${safeText(what)} may be asked for by people with ${whoMay(needed)}; ${yours}.`;
}

function whoMay(role: Role): string {
  if (role === 'none') return 'everybody';
  return role === 'admin' ? 'the admin role' : `the ${role} role or more`;
}
