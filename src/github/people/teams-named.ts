import { isJsonObject, type Json, type JsonObject } from '../../base/json.ts';
import type { PlanStep } from '../../pipeline/plan.ts';

/** `organisation/team`, and neither a login nor `role:NAME`. */
const TEAM = /^[a-z\d](?:[a-z\d-]{0,38})\/[\w.-]{1,100}$/i;

/** Teams that hold a role in the data of policy: who may do what depends on them. */
export function teamsOfRoles(data: JsonObject): readonly string[] {
  return valuesOf(data.roles).flatMap((role) => teamsIn(isJsonObject(role) ? role.teams : undefined));
}

/** Teams that matter for an answer to a step: those whom the gate names, and the reviewers of its environment. */
export function teamsOfStep(data: JsonObject, step: PlanStep | undefined): readonly string[] {
  if (step === undefined) return [];
  const environment = textOf(step.with.environment) ?? step.environment ?? undefined;
  const environments = isJsonObject(data.environments) ? data.environments : {};
  const own = environment !== undefined && Object.hasOwn(environments, environment) ? environments[environment] : null;
  return [...teamsIn(step.with.from), ...teamsIn(isJsonObject(own) ? own.reviewers : undefined)];
}

function teamsIn(value: Json | undefined): readonly string[] {
  if (!Array.isArray(value)) return [];
  return value.filter((name: Json): name is string => typeof name === 'string' && TEAM.test(name));
}

function valuesOf(value: Json | undefined): readonly Json[] {
  return isJsonObject(value) ? Object.values(value) : [];
}

function textOf(value: Json | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
