import { readFile } from 'node:fs/promises';
import { MaestroError } from '../../src/base/errors.ts';
import { isJsonObject, type JsonObject } from '../../src/base/json.ts';
import type { OwnRules } from '../../src/policy/own/own-rules.ts';
import { type ClassLabels, isHosted, labelsOf } from '../../src/runners/github-actions/labels.ts';
import { type OpenedPolicy, openDefaultPolicy } from '../default-policy.ts';

export interface OperatorsPolicy {
  readonly path: string;
  readonly text: string;
}

/**
 * The policy of a server, over which repositories say something of their own: our data, the operator's file over it, and the
 * runner classes that the server has labels for.
 * @param rules an organisation's own, asked beside ours
 * @throws MaestroError POLICY_INVALID, CONFIG_INVALID
 */
export async function openServerPolicy(
  { operators, runnerLabels }: { readonly operators: OperatorsPolicy | undefined; readonly runnerLabels: ClassLabels },
  rules?: OwnRules,
): Promise<OpenedPolicy> {
  return openDefaultPolicy({
    ...(operators && { file: { ...operators, isOperators: true } }),
    patch: (data) => ({ runners: runnersOf(data, runnerLabels) }),
    ...(rules && { rules }),
  });
}

/** Read once, when the server starts: what it locks then, repositories are told of. @throws CONFIG_INVALID */
export async function readOperatorsPolicy(path: string | undefined): Promise<OperatorsPolicy | undefined> {
  if (path === undefined) return undefined;
  try {
    return { path, text: await readFile(path, 'utf8') };
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new MaestroError('CONFIG_INVALID', `cannot read MAESTRO_POLICY (${path}): ${code ?? 'unreadable'}`, {
      cause,
    });
  }
}

/**
 * A class that has labels is one that steps may name. Code of forks, vouched for or not, runs on machines that GitHub makes
 * for each job, known by their labels, and on no others, whatever the class is called: one label, of any spelling, is enough
 * to be sent to a machine of an organisation.
 */
export function runnersOf({ runners }: JsonObject, labels: ClassLabels): JsonObject {
  const known = isJsonObject(runners) ? runners : {};
  const isForForks = (label: string): boolean => {
    const machine = Object.hasOwn(known, label) ? known[label] : undefined;
    return isHosted(label) && isJsonObject(machine) && machine['forks'] === true;
  };
  const names = new Set([...Object.keys(known), ...Object.keys(labels)]);
  return Object.fromEntries([...names].map((name) => [name, { forks: labelsOf(name, labels).every(isForForks) }]));
}
