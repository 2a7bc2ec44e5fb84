/**
 * Whose run it is. A tenant is an installation of the App, a namespace one repository of it: policy, secrets and quotas are
 * of a namespace, and nothing of one is seen by another.
 */
export interface Namespace {
  /** `github:42` */
  readonly tenant: string;
  /** `github:77`; unique within its tenant. */
  readonly name: string;
}

/** Where a namespace's policy was read. */
export interface PolicySource {
  /** `.maestro/policy.yaml` */
  readonly path: string;
  readonly commit: string | null;
}
