import { describe, expect, it } from 'vitest';
import { labelsOf, permissionsOf, runNameOf } from '../../../../sandbox/runner/run-job.ts';
import { isMaestroError } from '../../../../src/base/errors.ts';

const WORKFLOW = `
name: Maestro
run-name: maestro \${{ inputs.dispatch_id }}
on:
  workflow_dispatch:
    inputs:
      dispatch_id: { required: true, type: string }
      labels: { required: true, type: string, default: '["self-hosted"]' }
permissions: { contents: read, id-token: write }
jobs:
  work:
    runs-on: \${{ fromJSON(inputs.labels) }}
    steps: [{ run: 'true' }]
`;

describe('what a workflow file asks for', () => {
  it('is read from its inputs and their defaults', () => {
    expect(runNameOf(WORKFLOW, { dispatch_id: '01X' })).toBe('maestro 01X');
    expect(labelsOf(WORKFLOW, { labels: '["self-hosted","gpu"]' })).toEqual(['self-hosted', 'gpu']);
    expect(labelsOf(WORKFLOW, {})).toEqual(['self-hosted']);
    expect(permissionsOf(WORKFLOW)).toEqual({ contents: 'read', 'id-token': 'write' });
  });

  it('is the restricted default where it asks for no permissions', () => {
    expect(permissionsOf(WORKFLOW.replace(/^permissions.*$/m, ''))).toEqual({ contents: 'read', packages: 'read' });
    expect(permissionsOf(WORKFLOW.replace(/^permissions.*$/m, 'permissions: write-all'))).toEqual({ '*': 'write' });
  });

  it.each(['[]', '[1]', '""', '{}', 'null'])('is refused where the labels are %s', (labels) => {
    const read = (): unknown => labelsOf(WORKFLOW, { labels });
    expect(read).toThrow(expect.toSatisfy((error: unknown) => isMaestroError(error, 'PIPELINE_INVALID')));
  });

  it('is refused with two jobs, which the sandbox does not run', () => {
    const read = (): unknown => runNameOf(`${WORKFLOW}  other: { runs-on: x, steps: [{ run: 'true' }] }\n`, {});
    expect(read).toThrow(expect.toSatisfy((error: unknown) => isMaestroError(error, 'PIPELINE_INVALID')));
  });
});
