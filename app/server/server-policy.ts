import { isJsonObject, type JsonObject } from '../../src/base/json.ts';
import { type ClassLabels, isHosted, labelsOf } from '../../src/runners/github-actions/labels.ts';
import { type OpenedPolicy, openDefaultPolicy } from '../default-policy.ts';

/** The policy of a server: our own data, and the runner classes that the server has labels for. */
export function openServerPolicy(labels: ClassLabels): Promise<OpenedPolicy> {
  return openDefaultPolicy((defaults) => JSON.stringify({ runners: runnersOf(defaults, labels) }));
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
