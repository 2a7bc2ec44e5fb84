import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestBytes } from '../../../src/base/digest.ts';
import type { JsonObject } from '../../../src/base/json.ts';
import { readPredicate } from '../../../src/provenance/attestations/read-predicate.ts';
import { leaseOf } from '../worker/leases.ts';
import { WorkRoom } from '../worker/work-room.ts';
import { GRYPE } from './scanner-answers.ts';

describe('security.scan of contents', () => {
  let room: WorkRoom;
  beforeEach(() => {
    room = new WorkRoom();
    const bin = join(room.repositoryRoot, '../bin');
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(bin, 'grype'), `#!/bin/sh\ncat "${bin}/grype.json"\n`);
    chmodSync(join(bin, 'grype'), 0o755);
    writeFileSync(join(bin, 'grype.json'), JSON.stringify(GRYPE));
  });
  afterEach(() => room.remove());

  const APP = { step: 'build', name: 'app', path: 'dist/app.tgz', digest: digestBytes('app'), sizeBytes: 3 };
  const scan = (input: JsonObject) => {
    const PATH = `${join(room.repositoryRoot, '../bin')}:/usr/bin:/bin`;
    return room.run(leaseOf({}, { uses: 'security.scan', with: input }), { hostEnv: { ...process.env, PATH } });
  };
  const read = (path: string): JsonObject => JSON.parse(readFileSync(join(room.repositoryRoot, path), 'utf8'));

  it('has what was found stated of what was scanned, and what VEX says of it', async () => {
    room.client.made.push(APP);
    const affects = [{ ref: 'pkg:npm/lodash@4.17.20' }];
    const vulnerabilities = [{ id: 'GHSA-35jh-r3h4-6jhm', analysis: { state: 'not_affected' }, affects }];
    const vex = { bomFormat: 'CycloneDX', specVersion: '1.6', vulnerabilities };
    writeFileSync(join(room.repositoryRoot, 'vex.json'), JSON.stringify(vex));
    const outcome = await scan({ artifact: 'app', vex: 'vex.json', threshold: 'critical' });
    expect(outcome).toMatchObject({ kind: 'succeeded', outputs: { findings: 1, suppressed: 1 } });
    expect(outcome.artifacts?.map(({ path: at }) => at)).toEqual([
      'scan.json',
      'scan.openvex.intoto.jsonl',
      'scan.openvex.json',
      'scan.sarif',
      'scan.vulns.intoto.jsonl',
      'scan.vulns.json',
    ]);
    expect(room.client.attested.map(({ kind }) => kind)).toEqual(['vulnerabilities', 'vex']);
    expect(room.client.attested).toMatchObject([
      { subjects: [{ name: 'app.tgz', digest: APP.digest }] },
      { subjects: [{ name: 'app.tgz', digest: APP.digest }] },
    ]);
    for (const { kind, predicate = 'sha256:' } of room.client.attested)
      readPredicate(kind, room.client.blobs.get(predicate) ?? Buffer.alloc(0));
    const { scanner } = read('scan/scan.vulns.json') as { scanner: JsonObject };
    expect(scanner).toMatchObject({
      uri: 'https://github.com/anchore/grype',
      // Also what VEX takes away: whoever reads it may weigh that anew.
      result: [{ id: 'GHSA-35jh-r3h4-6jhm', severity: [{ score: 'high' }] }, { severity: [{ score: 'medium' }] }],
    });
  });

  it('has nothing stated where there is more than it may pass with', async () => {
    room.client.made.push(APP);
    expect(await scan({ artifact: 'app' })).toMatchObject({ kind: 'failed', errorCode: 'SCAN_OVER_THRESHOLD' });
    expect(room.client.attested).toEqual([]);
  });
});
