import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { signPayload } from '../../../src/provenance/envelope.ts';
import { readVerifierKey } from '../../../src/provenance/evidence-log/note-key.ts';
import { verifyLogged } from '../../../src/provenance/evidence-log/verify-log.ts';
import { buildReceipt } from '../../../src/provenance/receipt.ts';
import { openLocalSigner } from '../../../src/provenance/signers/local.ts';
import { verifyReceipt } from '../../../src/provenance/verify.ts';
import { sampleFacts, samplePack } from '../provenance/disclosure/sample-disclosure.ts';
import { leavesOf, newLogSigner, proofOf, textsOf } from '../provenance/evidence-log/sample-log.ts';
import { sampleRun } from '../provenance/sample-run.ts';
import { FakeProcess, finished, oneStep, project, started, temporaryFolder } from './harness.ts';

describe('maestro lint', () => {
  it('is content with a good project', async () => {
    const process = new FakeProcess({ cwd: project() });
    expect(await process.run('lint')).toBe(0);
    expect(process.out).toBe('ok: 1 pipeline checked, nothing to say\n');
  });

  it('shows the line and points at the column', async () => {
    const process = new FakeProcess({ cwd: project({ '.maestro/ci.yaml': 'name: x\n  broken: 1\n' }) });
    expect(await process.run('template', 'lint', '.maestro/ci.yaml')).toBe(1);
    expect(process.out.split('\n').slice(0, 3)).toEqual([
      '.maestro/ci.yaml:2:3: error[schema-value]: is broken',
      '  2 |   broken: 1',
      '    |   ^',
    ]);
  });

  it('answers findings with --json', async () => {
    const process = new FakeProcess({
      cwd: project({ 'maestro.pipeline.yaml': 'broken', '.maestro/policy.yaml': 'broken' }),
    });
    expect(await process.run('lint', '--json')).toBe(1);
    expect(JSON.parse(process.out)).toEqual([
      {
        file: 'maestro.pipeline.yaml',
        line: 1,
        column: 3,
        severity: 'error',
        code: 'schema-value',
        message: 'is broken',
      },
    ]);
  });

  it('makes a finding of a file that cannot be read, and checks the others', async () => {
    const cwd = project({ 'good.yaml': 'name: x', 'binary.yaml': 'a\u0000b', 'folder/x': '' });
    writeFileSync(join(cwd, 'latin.yaml'), Buffer.from([0xe9, 0x0a]));
    const process = new FakeProcess({ cwd });
    expect(
      await process.run('lint', 'good.yaml', 'binary.yaml', 'latin.yaml', 'folder', 'missing.yaml', '--json'),
    ).toBe(1);
    const findings = JSON.parse(process.out) as { file: string; code: string }[];
    expect(findings.map(({ file, code }) => `${file} ${code}`)).toEqual([
      'binary.yaml FILE_NOT_READABLE',
      'latin.yaml FILE_NOT_READABLE',
      'folder FILE_NOT_READABLE',
      'missing.yaml FILE_NOT_READABLE',
    ]);
  });

  it('exits with 2 where there is nothing to check', async () => {
    const process = new FakeProcess({ cwd: project({}) });
    expect(await process.run('lint')).toBe(2);
    expect(process.err).toContain('maestro init');
  });
});

describe('maestro plan', () => {
  it('shows steps with decisions, and exits with 0', async () => {
    const process = started(oneStep([]));
    expect(await process.run('plan', '-m', '.maestro/ci.yaml')).toBe(0);
    expect(process.out).toContain('STEP   USES  POLICY  AFTER\nbuild  run   allow');
    expect(process.opened).toEqual([]);
  });

  it('answers name, digest, steps, decisions and estimate with --json', async () => {
    const process = started(oneStep([]));
    expect(await process.run('plan', '--json')).toBe(0);
    expect(JSON.parse(process.out)).toMatchObject({
      name: 'golden',
      digest: expect.stringMatching(/^sha256:/),
      steps: [{ id: 'build', needs: [] }],
      decisions: { run: { verdict: 'allow' }, steps: [{ step: 'build' }] },
      estimate: { steps: 1, microUsd: 0, durationMs: null },
    });
  });

  it('exits with 3 and says why where policy denies a step', async () => {
    const client = oneStep([]);
    const deny = {
      verdict: 'deny',
      reasons: ['egress to evil.example'],
      packDigest: `sha256:${'a'.repeat(64)}`,
      inputDigest: `sha256:${'b'.repeat(64)}`,
    } as const;
    client.answer = {
      digest: `sha256:${'f'.repeat(64)}`,
      run: { ...deny, verdict: 'allow', reasons: [] },
      steps: [{ step: 'build', decision: deny }],
      estimate: { steps: 1, microUsd: 0, durationMs: null },
    };
    const process = started(client);
    expect(await process.run('plan')).toBe(3);
    expect(process.out).toContain('deny build: egress to evil.example');
  });
});

describe('maestro receipt', () => {
  const RECEIPT = { runRecord: '{}', bundle: '{"b":1}', publicKey: 'PEM', payloadSha256: 'c'.repeat(64) };

  it('writes three files, and again the same', async () => {
    const client = finished('succeeded');
    client.receipt = RECEIPT;
    const cwd = project();
    const process = new FakeProcess({ cwd, client });
    expect(await process.run('receipt', 'latest', '-o', 'proof')).toBe(0);
    expect(await process.run('receipt', 'latest', '-o', 'proof')).toBe(0);
    expect(readdirSync(join(cwd, 'proof')).sort()).toEqual(['maestro.pub', 'receipt.sigstore.json', 'run.json']);
    expect(readFileSync(join(cwd, 'proof/receipt.sigstore.json'), 'utf8')).toBe('{"b":1}');
  });

  it('writes the proof that the register has it, which a later one does not replace', async () => {
    const client = finished('succeeded');
    const { id } = client.view;
    client.receipt = RECEIPT;
    const leaves = [
      { v: 1, kind: 'open', runId: id, attempt: 1 },
      { v: 1, kind: 'close', runId: id, attempt: 1, payloadSha256: 'c'.repeat(64) },
    ] as const;
    client.evidence.entries = textsOf(leaves);
    const cwd = project();
    const process = new FakeProcess({ cwd, client });
    expect(await process.run('receipt', 'latest', '-o', 'proof')).toBe(0);
    const proof = readFileSync(join(cwd, 'proof/receipt.tlog-proof'), 'utf8');
    const key = readVerifierKey(readFileSync(join(cwd, 'proof/log.pub'), 'utf8'));
    expect(verifyLogged(leaves[1], proof, key).index).toBe(1);
    client.evidence.entries.push(...textsOf(leavesOf(1)));
    expect(await process.run('receipt', 'latest', '-o', 'proof')).toBe(0);
    expect(readFileSync(join(cwd, 'proof/receipt.tlog-proof'), 'utf8')).toBe(proof);
  });

  it('never writes over the proof of another run', async () => {
    const client = finished('succeeded');
    client.receipt = RECEIPT;
    const cwd = project({ 'proof/run.json': 'other' });
    const process = new FakeProcess({ cwd, client });
    expect(await process.run('receipt', 'latest', '-o', 'proof')).toBe(2);
    expect(process.err).toContain('error[CONFLICT]');
    expect(readdirSync(join(cwd, 'proof'))).toEqual(['run.json']);
  });

  it('is refused while the run goes on', async () => {
    const process = started(oneStep([]));
    expect(await process.run('receipt', 'latest')).toBe(2);
    expect(process.err).toContain('error[RUN_NOT_FINISHED]');
  });
});

describe('maestro verify', () => {
  it.each([
    ['no file', 'missing', 2, 'FILE_NOT_READABLE'],
    ['a file that is no bundle', 'proof', 5, ''],
  ])('exits for %s', async (_title, path, code, error) => {
    const cwd = project({ 'proof/receipt.sigstore.json': '{"mediaType":"x"}', 'proof/maestro.pub': PUBLIC_KEY });
    const process = new FakeProcess({ cwd });
    expect(await process.run('verify', path)).toBe(code);
    expect(process.err).toContain(`error[${error}`);
  });
});

describe('maestro verify --log-key', () => {
  const signer = newLogSigner();
  const sealed = async (change: (proof: string) => string = (proof) => proof) => {
    const folder = temporaryFolder();
    const receiptSigner = await openLocalSigner(join(folder, 'key.pem'));
    const { payload, runRecord } = buildReceipt(sampleRun(3));
    const bundle = await signPayload(payload, receiptSigner);
    const { payloadSha256, statement } = verifyReceipt({
      bundle: Buffer.from(bundle),
      key: receiptSigner.publicKeyPem,
    });
    const { id, attempt } = statement.predicate.run;
    const texts = textsOf([...leavesOf(3), { v: 1, kind: 'close', runId: id, attempt, payloadSha256 }]);
    return project({
      'proof/receipt.sigstore.json': bundle,
      'proof/maestro.pub': receiptSigner.publicKeyPem,
      'proof/run.json': runRecord,
      'proof/log.pub': signer.verifierKey,
      'proof/receipt.tlog-proof': change(await proofOf(texts, 6, signer)),
      'log.pub': `${signer.verifierKey}\n`,
      'other.pub': newLogSigner().verifierKey,
      'broken.pub': 'no key',
    });
  };
  const disclosed = async () => {
    const receiptSigner = await openLocalSigner(join(temporaryFolder(), 'key.pem'));
    const { publicKeyPem } = receiptSigner;
    const facts = await sampleFacts(receiptSigner);
    const { payloadSha256, statement } = verifyReceipt({
      bundle: Buffer.from(facts.receipt.bundle),
      key: publicKeyPem,
    });
    const { id, attempt } = statement.predicate.run;
    const texts = textsOf([...leavesOf(3), { v: 1, kind: 'close', runId: id, attempt, payloadSha256 }]);
    const register = { proof: await proofOf(texts, 6, signer), logKey: signer.verifierKey };
    return { archive: await samplePack(receiptSigner, { ...facts, register }), publicKeyPem };
  };

  it('shows where in the register the receipt is', async () => {
    const cwd = await sealed();
    const process = new FakeProcess({ cwd });
    expect(await process.run('verify', 'proof', '--log-key', 'log.pub', '--json')).toBe(0);
    const log = { origin: signer.origin, index: 6, size: 7, isKeyTrusted: true };
    expect(JSON.parse(process.out)).toMatchObject({ isValid: true, log });
    const plain = new FakeProcess({ cwd });
    expect(await plain.run('verify', 'proof')).toBe(0);
    expect(plain.out).toContain('leaf 6 of 7');
  });

  it('says whose key of the register it was, of a receipt and of a disclosure pack', async () => {
    const cwd = await sealed();
    const pack = await disclosed();
    writeFileSync(join(cwd, 'pack.tgz'), pack.archive);
    writeFileSync(join(cwd, 'team.pub'), pack.publicKeyPem);
    const keys = { proof: 'proof/maestro.pub', 'pack.tgz': 'team.pub' };
    for (const [path, key] of Object.entries(keys))
      for (const isKeyTrusted of [true, false]) {
        const words = ['verify', path, '--key', key, ...(isKeyTrusted ? ['--log-key', 'log.pub'] : [])];
        const told = new FakeProcess({ cwd });
        expect([await told.run(...words, '--json'), told.err]).toEqual([0, '']);
        expect(JSON.parse(told.out)).toMatchObject({ isKeyTrusted: true, log: { isKeyTrusted } });
        const shown = new FakeProcess({ cwd });
        expect(await shown.run(...words)).toBe(0);
        expect((shown.out + shown.err).includes('--log-key FILE')).toBe(!isKeyTrusted);
      }
  });

  it.each([
    ['another key', ['--log-key', 'other.pub'], 'KEY_UNKNOWN', 5],
    ['no key', ['--log-key', 'broken.pub'], 'KEY_INVALID', 2],
  ])('refuses %s', async (_, words, code, exit) => {
    const process = new FakeProcess({ cwd: await sealed() });
    expect(await process.run('verify', 'proof', ...words)).toBe(exit);
    expect(process.err).toContain(`error[${code}]`);
  });

  it('refuses a proof that was altered, also where nobody asked for it', async () => {
    const process = new FakeProcess({ cwd: await sealed((proof) => proof.replace('index 6', 'index 5')) });
    expect(await process.run('verify', 'proof')).toBe(5);
    expect(process.err).toContain('error[LOG_PROOF_INVALID]');
  });

  it('wants a proof where a key is given', async () => {
    const cwd = await sealed();
    rmSync(join(cwd, 'proof/receipt.tlog-proof'));
    const process = new FakeProcess({ cwd });
    expect(await process.run('verify', 'proof', '--log-key', 'log.pub')).toBe(5);
    expect(process.err).toContain('error[LOG_PROOF_MISSING]');
    expect(await new FakeProcess({ cwd }).run('verify', 'proof')).toBe(0);
  });
});

describe('maestro verify --key', () => {
  it.each([
    ['no key', 'team.pub'],
    ['an empty file', ''],
    ['two keys', () => PUBLIC_KEY + PUBLIC_KEY],
    ['a remark before it', () => `# ours\n${PUBLIC_KEY}`],
    ['a private key after it', () => `${PUBLIC_KEY}-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n`],
  ])('is a wrong request for %s', async (_title, given) => {
    const text = typeof given === 'string' ? given : given();
    const cwd = project({ 'proof/receipt.sigstore.json': '{"mediaType":"x"}', 'team.pub': text });
    const process = new FakeProcess({ cwd });
    expect(await process.run('verify', 'proof', '--key', 'team.pub')).toBe(2);
    expect(process.err).toContain('error[KEY_INVALID]');
  });

  it('takes one key, with either line end', async () => {
    const files = {
      'proof/receipt.sigstore.json': '{"mediaType":"x"}',
      'team.pub': PUBLIC_KEY.replaceAll('\n', '\r\n'),
    };
    const process = new FakeProcess({ cwd: project(files) });
    expect(await process.run('verify', 'proof', '--key', 'team.pub')).toBe(5);
    expect(process.err).toContain('error[ENVELOPE_MALFORMED]');
  });

  it('says of a broken key that came with the receipt that the receipt does not hold', async () => {
    const cwd = project({ 'proof/receipt.sigstore.json': '{"mediaType":"x"}', 'proof/maestro.pub': 'x' });
    const process = new FakeProcess({ cwd });
    expect(await process.run('verify', 'proof')).toBe(5);
  });
});

const PUBLIC_KEY = `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt
6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==
-----END PUBLIC KEY-----
`;

describe('maestro init', () => {
  it.each([
    [
      'package.json',
      { 'package.json': '{"scripts":{"lint":"x","test":"x"}}', 'package-lock.json': '' },
      ['npm ci', 'npm run lint', 'npm run test'],
    ],
    [
      'a placeholder test',
      { 'package.json': '{"scripts":{"test":"echo \\"Error: no test specified\\" && exit 1"}}' },
      ['npm install'],
    ],
    ['a broken package.json', { 'package.json': '{', 'pnpm-lock.yaml': '' }, ['pnpm install --frozen-lockfile']],
    [
      'pyproject.toml',
      { 'pyproject.toml': '[tool.pytest]\n[tool.ruff]', 'uv.lock': '' },
      ['uv sync --frozen', 'uv run ruff check .', 'uv run pytest'],
    ],
    ['go.mod', { 'go.mod': 'module x' }, ['go vet ./...', 'go test ./...', 'go build ./...']],
    ['nothing', {}, ['echo "replace me with your build"']],
  ])('fits the project: %s', async (_title, files, scripts) => {
    const cwd = project(files);
    const process = new FakeProcess({ cwd });
    expect(await process.run('init')).toBe(0);
    const text = readFileSync(join(cwd, '.maestro/ci.yaml'), 'utf8');
    expect([...text.matchAll(/run: (.*)/g)].map(([, script]) => script)).toEqual(scripts);
    expect(process.err).toContain('next:');
  });

  it('never overwrites', async () => {
    const cwd = project({ '.maestro/ci.yml': 'mine' });
    const process = new FakeProcess({ cwd });
    expect(await process.run('init')).toBe(2);
    expect(process.err).toContain('error[CONFLICT]');
    expect(existsSync(join(cwd, '.maestro/ci.yaml'))).toBe(false);
  });
});
