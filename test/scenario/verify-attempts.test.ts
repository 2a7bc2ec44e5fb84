import { afterAll, describe, expect, it } from 'vitest';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { Project } from './maestro.ts';

const TIMEOUT_MS = 90_000;
const SECRET = 'planted-Tr0ub4dor';
const PIPELINE = `name: flaky
steps:
  - id: build
    secrets: [TOKEN]
    run: |
      echo "built with $TOKEN"
      echo content > app.tgz
      echo "made=yes" >> "$MAESTRO_OUTPUT"
    outputs: { made: string }
    artifacts: [{ name: app, path: app.tgz }]
  - id: lint
    needs: [build]
    continue-on-error: true
    retry: 0
    run: exit 3
  - id: test
    needs: [lint]
    retry: 0
    run: test -e second && touch third
  - id: ship
    needs: [test]
    retry: 0
    run: test -e go
`;

describe('receipts of a run and its attempts, by the real process', { timeout: TIMEOUT_MS }, () => {
  const project = new Project({ TOKEN: SECRET });
  afterAll(() => project.remove());
  const verify = async (...words: string[]) => {
    const { code, stdout, stderr } = await project.maestro('verify', ...words, '--json');
    return { code, told: JSON.parse(stdout) as unknown, stderr };
  };

  it('fit each other, and do not without one of them', async () => {
    project.pipeline(PIPELINE);
    expect(await project.maestro('run', '--secret', 'TOKEN')).toMatchObject({ code: EXIT.failed });
    expect((await project.maestro('logs', 'latest')).stdout).toContain('built with ***');
    await project.maestro('receipt', 'latest', '-o', 'first');
    project.write('second', '');
    expect(await project.maestro('retry', 'latest', '--secret', 'TOKEN')).toMatchObject({ code: EXIT.failed });
    await project.maestro('receipt', 'latest', '-o', 'second-attempt');
    project.write('go', '');
    expect(await project.maestro('retry', 'latest', '--secret', 'TOKEN')).toMatchObject({ code: EXIT.ok });
    await project.maestro('receipt', 'latest', '-o', 'third-attempt');
    await project.maestro('disclose', 'latest', '-o', 'third.tgz');
    const key = ['--key', 'first/maestro.pub'];
    const both = ['--related', 'first', '--related', 'second-attempt'];
    for (const path of ['third-attempt', 'third.tgz']) {
      expect(await verify(path, '--attempt', '3', ...both, ...key)).toMatchObject({
        code: EXIT.ok,
        told: { relatedReceipts: 2, run: { attempt: 3, status: 'succeeded' } },
      });
      expect(await verify(path, '--related', 'second-attempt', ...key)).toMatchObject({
        code: EXIT.unverified,
        told: { error: { code: 'RELATION_DANGLING' } },
      });
    }
  });

  it('and the pack of the last hold no value of a secret, though the first printed it', async () => {
    for (const path of ['first', 'third-attempt', 'third.tgz'])
      expect(await verify(path, '--secret', 'TOKEN')).toMatchObject({ code: EXIT.ok });
  });
});
