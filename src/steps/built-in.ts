import assert from 'node:assert/strict';
import type { StepDefinition, WorkStep } from './define.ts';
import { STEP_HEADS } from './step-heads.ts';

/** The bodies, each loaded when a worker first runs such a step: most jobs run one kind, and few need a scanner. */
export const STEP_BODIES: Readonly<Record<string, () => Promise<WorkStep>>> = {
  shell: async () => (await import('./shell/shell.ts')).shellStep,
  http: async () => (await import('./http/http.ts')).httpStep,
  transform: async () => (await import('./transform/transform.ts')).transformStep,
  'schema-validate': async () => (await import('./schema-validate/schema-validate.ts')).schemaValidateStep,
  notify: async () => (await import('./notify/notify.ts')).notifyStep,
  'artifact.upload': async () => (await import('./artifact/upload.ts')).uploadStep,
  'artifact.download': async () => (await import('./artifact/download.ts')).downloadStep,
  'supplychain.sbom': async () => (await import('./supplychain/sbom.ts')).sbomStep,
  'security.scan': async () => (await import('./security/scan.ts')).scanStep,
  'security.secrets': async () => (await import('./security/secrets.ts')).secretsStep,
  'supplychain.sign': async () => (await import('./supplychain/sign.ts')).signStep,
  'supplychain.provenance': async () => (await import('./supplychain/provenance.ts')).provenanceStep,
  task: async () => (await import('./task/task.ts')).taskStep,
  'build.container': async () => (await import('./build-container/build-container.ts')).buildContainerStep,
  'registry.push': async () => (await import('./registry-push/registry-push.ts')).registryPushStep,
};

/**
 * Loads the bodies of all steps, for a worker that is about to give up its rights: the steps' user may not be able to read where they lie,
 * and what is loaded after a first step may be another one's.
 */
export async function loadStepBodies(): Promise<void> {
  await Promise.all(Object.values(STEP_BODIES).map((load) => load()));
}

/** The steps that Maestro brings along, by the name that `uses` gives. */
export const BUILT_IN_STEPS: ReadonlyMap<string, StepDefinition> = new Map(
  STEP_HEADS.map((head) => [head.name, head.kind === 'work' ? { ...head, run: bodyOf(head.name) } : head]),
);

function bodyOf(name: string): WorkStep['run'] {
  const load = STEP_BODIES[name];
  assert(load, `the step ${name} has a body`);
  return async (context, input) => (await load()).run(context, input);
}
