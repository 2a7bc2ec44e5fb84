import { approvalStep } from './approval/approval.ts';
import { DOWNLOAD_HEAD } from './artifact/download-head.ts';
import { UPLOAD_HEAD } from './artifact/upload-head.ts';
import { BUILD_CONTAINER_HEAD } from './build-container/build-container-head.ts';
import type { EngineStep, WorkStepHead } from './define.ts';
import { freezeStep } from './gate/freeze.ts';
import { promoteStep } from './gate/promote.ts';
import { HTTP_HEAD } from './http/http-head.ts';
import { NOTIFY_HEAD } from './notify/notify-head.ts';
import { REGISTRY_PUSH_HEAD } from './registry-push/registry-push-head.ts';
import { SCHEMA_VALIDATE_HEAD } from './schema-validate/schema-validate-head.ts';
import { SCAN_HEAD } from './security/scan-head.ts';
import { SECRETS_HEAD } from './security/secrets-head.ts';
import { SHELL_HEAD } from './shell/shell-head.ts';
import { PROVENANCE_HEAD } from './supplychain/provenance-head.ts';
import { SBOM_HEAD } from './supplychain/sbom-head.ts';
import { SIGN_HEAD } from './supplychain/sign-head.ts';
import { TASK_HEAD } from './task/task-head.ts';
import { TRANSFORM_HEAD } from './transform/transform-head.ts';
import { waitStep } from './wait/wait.ts';

/** What each step promises that Maestro brings along: all that a linter asks, without a step's body. */
export const STEP_HEADS: readonly (EngineStep | WorkStepHead)[] = [
  SHELL_HEAD,
  HTTP_HEAD,
  TRANSFORM_HEAD,
  SCHEMA_VALIDATE_HEAD,
  waitStep,
  approvalStep,
  promoteStep,
  freezeStep,
  NOTIFY_HEAD,
  UPLOAD_HEAD,
  DOWNLOAD_HEAD,
  SBOM_HEAD,
  SCAN_HEAD,
  SECRETS_HEAD,
  SIGN_HEAD,
  PROVENANCE_HEAD,
  TASK_HEAD,
  BUILD_CONTAINER_HEAD,
  REGISTRY_PUSH_HEAD,
];
