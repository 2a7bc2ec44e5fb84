/**
 * The public SDK of Maestro: what a program needs to define steps, compile pipelines and verify receipts.
 *
 * What stands here follows semantic versioning; nothing else in `src/` does. No export reads the environment, opens a
 * socket or touches a file: sources, files and bytes come from the caller.
 *
 * **Steps.** `defineStep` describes a step that runs inside a worker, with JSON Schemas of what goes in and comes out.
 *
 * **Pipelines.** `lintPipeline` answers all findings of a source, `compilePipeline` the immutable plan that it means, and
 * `planDigest` that plan's name: equal sources, parameters and catalogs give equal digests on every machine. A finding is
 * an answer; neither function throws for a bad source. `STEP_CATALOG` holds the built-in steps.
 *
 * **Receipts.** `verifyReceipt` checks the signed statement of a run offline and strictly. It throws `VerificationError`,
 * whose `code` is one of `VERIFICATION_CODES`; docs/guides/verify.md explains each.
 *
 * **Runs.** `Client` is what a person or program asks of Maestro; `RunView`, `StepView` and `RunEvent` are its answers. The
 * shapes are those of the CLI's `--json`.
 */
export type { Digest } from './base/digest.ts';
export { digestBytes } from './base/digest.ts';
export type { ErrorCode } from './base/error-codes.ts';
export { isMaestroError, MaestroError } from './base/errors.ts';
export type { Json, JsonObject } from './base/json.ts';

export type { StepCatalog, StepCatalogEntry } from './pipeline/catalog.ts';
export type { CompileAnswer, CompileRequest } from './pipeline/compile.ts';
export { compilePipeline, lintPipeline, planDigest } from './pipeline/compile.ts';
export type { Finding, LintCode, Severity } from './pipeline/finding.ts';
export type { Plan, PlanStep, RetryClass, StepCache } from './pipeline/plan.ts';
export type { SourceTree } from './pipeline/task-manifest.ts';
export type {
  Client,
  GateAnswer,
  PlanPreview,
  RetryScope,
  RunReceipt,
  RunTrigger,
  StartRun,
  StepPreview,
} from './protocol/client.ts';
export type { LogLine, RunEvent, RunEventType } from './protocol/event.ts';
export type { Annotation, Artifact } from './protocol/outcome.ts';
export type {
  DecisionView,
  RunStatus,
  RunSummary,
  RunView,
  StepStatus,
  StepView,
  TriggerView,
} from './protocol/run.ts';
export type { ReceiptPredicate, ReceiptStatement } from './provenance/receipt.ts';
export { RECEIPT_PREDICATE_TYPE } from './provenance/receipt-schema.ts';
export type { VerificationCode } from './provenance/verification-error.ts';
export { VERIFICATION_CODES, VerificationError } from './provenance/verification-error.ts';
export type { ArtifactClaim, ExpectedRun, TrustedKey, VerifiedReceipt, VerifyRequest } from './provenance/verify.ts';
export { verifyReceipt } from './provenance/verify.ts';
export type { LinkedReceipt } from './provenance/verify-lineage.ts';
export { verifyLineage } from './provenance/verify-lineage.ts';
export { STEP_CATALOG } from './steps/catalog.ts';
export type {
  ProgramEnd,
  ProgramRequest,
  StepAnswer,
  StepContext,
  StepDefinition,
  WorkStep,
  WorkStepOf,
} from './steps/define.ts';
export { defineStep } from './steps/define.ts';
