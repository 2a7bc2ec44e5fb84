import type { JobQuotas } from '../../src/protocol/quota.ts';

/** Of whoever counts no jobs. */
export const NO_QUOTAS: JobQuotas = { installationJobs: 1_000_000, repositoryJobs: null, repositoryRuns: null };
