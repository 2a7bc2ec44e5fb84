import { MaestroError } from '../../base/errors.ts';
import type { Plan } from '../../pipeline/plan.ts';
import { hasExpression } from '../../pipeline/template.ts';
import type { Compile } from '../matching/read-pipelines.ts';

/** In no repository: it is what a job of GitHub Actions that waits for the App is decided by. */
export const DEPLOYMENT_PIPELINE = { path: 'deployment.json', name: 'deployment', step: 'promote' } as const;

/** The plan of the run that decides whether a job may deploy: its one step is the gate before the environment. */
export function deploymentPlan(compile: Compile, environment: string, message: string): Plan {
  const { path, name, step } = DEPLOYMENT_PIPELINE;
  const source = {
    name,
    kind: 'ops',
    // It costs nothing, and policy may want every pipeline to say what it costs. People take the time that they take.
    budget: { usd: 0, tokens: 0 },
    steps: [{ id: step, uses: 'gate.promote', with: { environment: literal(environment), message: literal(message) } }],
  };
  const { plan, findings } = compile({
    path,
    text: JSON.stringify(source),
    params: {},
    files: { read: () => undefined },
  });
  if (plan) return plan;
  throw new MaestroError(
    'INTERNAL',
    `the plan of a deployment does not compile: ${findings[0]?.message ?? 'no reason'}`,
  );
}

/** Whoever names an environment must not write expressions. */
function literal(text: string): string {
  return hasExpression(text) ? `\${{ '${text.replaceAll("'", "''")}' }}` : text;
}
