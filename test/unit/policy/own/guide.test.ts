import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { openBundle } from '../../../../src/policy/own/open-bundle.ts';
import { readVerifyKeys } from '../../../../src/policy/own/verify-keys.ts';
import { describeWith } from '../../../real-parts.ts';
import { ecSigner } from './build-bundle.ts';

const GUIDE = readFileSync(resolve(import.meta.dirname, '../../../../docs/guides/own-rego.md'), 'utf8');

describeWith('opa', 'the guide to own rules', (opa) => {
  test('shows files and a command from which comes a bundle that is taken', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'maestro-own-guide-'));
    try {
      const files = [...GUIDE.matchAll(/^`(rules\/[^`]+)`\n\n```\w+\n([\s\S]*?)^```$/gm)];
      expect(files).toHaveLength(3);
      const { privateKey, publicKey } = ecSigner('acme');
      const keyFiles = [
        ['', 'acme.key', privateKey],
        ['', 'keys/acme.pem', publicKey],
        ['', 'bundles/note', ''],
      ];
      for (const [, name = '', text = ''] of [...files, ...keyFiles]) {
        mkdirSync(join(folder, dirname(name)), { recursive: true });
        writeFileSync(join(folder, name), text);
      }
      const command = /^opa build [\s\S]*?[^\\]$/m.exec(GUIDE)?.[0] ?? '';
      const PATH = `${dirname(opa)}${delimiter}${process.env.PATH ?? ''}`;
      const built = spawnSync('sh', ['-c', command], { cwd: folder, encoding: 'utf8', env: { PATH } });
      expect([built.status, built.stderr]).toEqual([0, '']);
      const packed = readFileSync(join(folder, 'bundles/acme.tar.gz'));
      const { thread } = await openBundle('acme', packed, await readVerifyKeys(join(folder, 'keys')));
      await thread.close();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
