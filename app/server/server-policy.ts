import { isJsonObject, type JsonObject } from '../../src/base/json.ts';
import type { PolicyEngine } from '../../src/policy/evaluate.ts';
import { type ClassLabels, labelsOf } from '../../src/runners/github-actions/labels.ts';
import { openDefaultPolicy } from '../default-policy.ts';

const OWN_MACHINES = 'self-hosted';

/** The policy of a server: our own data, and the runner classes that the server has labels for. */
export function openServerPolicy(labels: ClassLabels): Promise<PolicyEngine> {
  return openDefaultPolicy((defaults) => JSON.stringify({ runners: runnersOf(defaults, labels) }));
}

/**
 * A class that has labels is one that steps may name. Code of forks, vouched for or not, runs on machines that GitHub makes
 * for each job, and not on those of an organisation, whatever the class is called.
 */
export function runnersOf({ runners }: JsonObject, labels: ClassLabels): JsonObject {
  const names = new Set([...Object.keys(isJsonObject(runners) ? runners : {}), ...Object.keys(labels)]);
  return Object.fromEntries(
    [...names].map((name) => [name, { forks: !labelsOf(name, labels).includes(OWN_MACHINES) }]),
  );
}
