import { approvalStep } from './approval/approval.ts';
import { downloadStep } from './artifact/download.ts';
import { uploadStep } from './artifact/upload.ts';
import { buildContainerStep } from './build-container/build-container.ts';
import type { StepDefinition } from './define.ts';
import { freezeStep } from './gate/freeze.ts';
import { promoteStep } from './gate/promote.ts';
import { httpStep } from './http/http.ts';
import { notifyStep } from './notify/notify.ts';
import { registryPushStep } from './registry-push/registry-push.ts';
import { schemaValidateStep } from './schema-validate/schema-validate.ts';
import { scanStep } from './security/scan.ts';
import { secretsStep } from './security/secrets.ts';
import { shellStep } from './shell/shell.ts';
import { provenanceStep } from './supplychain/provenance.ts';
import { sbomStep } from './supplychain/sbom.ts';
import { signStep } from './supplychain/sign.ts';
import { taskStep } from './task/task.ts';
import { transformStep } from './transform/transform.ts';
import { waitStep } from './wait/wait.ts';

const DEFINITIONS: readonly StepDefinition[] = [
  shellStep,
  httpStep,
  transformStep,
  schemaValidateStep,
  waitStep,
  approvalStep,
  promoteStep,
  freezeStep,
  notifyStep,
  uploadStep,
  downloadStep,
  sbomStep,
  scanStep,
  secretsStep,
  signStep,
  provenanceStep,
  taskStep,
  buildContainerStep,
  registryPushStep,
];

/** The steps that Maestro brings along, by the name that `uses` gives. */
export const BUILT_IN_STEPS: ReadonlyMap<string, StepDefinition> = new Map(
  DEFINITIONS.map((step) => [step.name, step]),
);
