import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/base/json.ts';
import { leaseOf } from '../worker/leases.ts';
import { WorkRoom } from '../worker/work-room.ts';
import { GRYPE, OSV, PIP_AUDIT, TRIVY } from './scanner-answers.ts';

let room: WorkRoom;
beforeEach(() => {
  room = new WorkRoom();
});
afterEach(() => room.remove());

const write = (path: string, content: string | JsonObject): string => {
  const full = join(room.repositoryRoot, path);
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, typeof content === 'string' ? content : JSON.stringify(content));
  return full;
};
const read = (path: string): JsonObject => JSON.parse(readFileSync(join(room.repositoryRoot, path), 'utf8'));

/** A scanner whose answer the test writes: the far end of the step, of which the command line and the streams are real. */
const standIn = (program: string, answer: string | JsonObject, exitCode = 0): void => {
  const text = typeof answer === 'string' ? answer : JSON.stringify(answer);
  const data = write(`../bin/${program}.json`, text);
  const script = `#!/bin/sh\necho "$0 $*" >&2\ncat "${data}"\nexit ${exitCode}\n`;
  chmodSync(write(`../bin/${program}`, script), 0o755);
};
const path = (): string => `${join(room.repositoryRoot, '../bin')}:/usr/bin:/bin`;
const scan = (input: JsonObject = {}, searchPath = path()) =>
  room.run(leaseOf({}, { uses: 'security.scan', with: input }), { hostEnv: { ...process.env, PATH: searchPath } });

describe('security.scan by the scanner that is there', () => {
  it.each([
    ['osv-scanner', OSV, 1],
    ['grype', GRYPE, 0],
    ['trivy', TRIVY, 0],
  ])('reads what %s says, and names the worst where it does not pass', async (program, answer, exitCode) => {
    standIn(program, answer, exitCode);
    const outcome = await scan();
    expect(outcome).toMatchObject({
      kind: 'failed',
      errorClass: 'step',
      errorCode: 'SCAN_OVER_THRESHOLD',
      outputs: { scanner: program, counts: { critical: 0, high: 1, medium: 1, low: 0 }, findings: 2, path: 'scan' },
    });
    expect(outcome.message).toContain('GHSA-35jh-r3h4-6jhm in lodash@4.17.20 (high');
    const { findings } = read('scan/scan.json') as { findings: JsonObject[] };
    expect(findings[0]).toMatchObject({ packageName: 'lodash', version: '4.17.20', purl: 'pkg:npm/lodash@4.17.20' });
    expect(outcome.artifacts?.map(({ name, path: at }) => [name, at])).toEqual([
      ['scan', 'scan.json'],
      ['scan', 'scan.sarif'],
    ]);
    expect(outcome.annotations?.[0]).toMatchObject({ level: 'failure', path: 'package-lock.json' });
    expect(room.log).toContain(program);
  });

  it('takes them in that order', async () => {
    standIn('trivy', TRIVY);
    standIn('grype', GRYPE);
    expect(await scan()).toMatchObject({ outputs: { scanner: 'grype' } });
    standIn('osv-scanner', OSV, 1);
    expect(await scan()).toMatchObject({ outputs: { scanner: 'osv-scanner' } });
    expect(await scan({ scanner: 'trivy' })).toMatchObject({ outputs: { scanner: 'trivy' } });
  });

  it('asks pip-audit about a Python project, whose weaknesses count as high', async () => {
    write('requirements.txt', 'jinja2==3.0.0\n');
    standIn('pip-audit', PIP_AUDIT, 1);
    const outcome = await scan();
    expect(outcome).toMatchObject({ kind: 'failed', outputs: { scanner: 'pip-audit', counts: { high: 1 } } });
    expect(room.log).toContain('--requirement requirements.txt');
  });

  it.each([
    ['osv-scanner', OSV, 127],
    ['osv-scanner', OSV, 128],
    ['osv-scanner', 'panic: nil', 1],
    ['osv-scanner', '', 0],
    ['osv-scanner', {}, 0],
    ['osv-scanner', { results: null }, 0],
    ['osv-scanner', { results: ['garbage'] }, 0],
    ['osv-scanner', { results: [{ source: {} }] }, 0],
    ['grype', GRYPE, 1],
    ['grype', { matches: [] }, 0],
    ['grype', { descriptor: { name: 'grype' }, matches: 'none' }, 0],
    ['trivy', { SchemaVersion: 2 }, 0],
    ['trivy', { SchemaVersion: 1, Results: [] }, 0],
    ['trivy', '[]', 0],
    ['pip-audit', { dependencies: [{ name: 'x', skip_reason: 'not on PyPI' }] }, 0],
    ['pip-audit', { fixes: [] }, 0],
  ])('is no scan without findings where %s answers %j and ends with %i', async (program, answer, exitCode) => {
    write('requirements.txt', 'x==1\n');
    standIn(program, answer, exitCode);
    const outcome = await scan({ scanner: program });
    expect(outcome).toMatchObject({ kind: 'failed', errorClass: 'step', errorCode: 'SCAN_FAILED' });
  });

  it('bounds what a scanner may say', async () => {
    chmodSync(write('../bin/grype', '#!/bin/sh\nhead -c 40000000 /dev/zero\n'), 0o755);
    expect(await scan()).toMatchObject({ kind: 'failed', errorCode: 'OUTPUT_TOO_LARGE' });
  });

  it('is no scan without findings where there is no scanner', async () => {
    expect(await scan({}, '/nowhere')).toMatchObject({ kind: 'failed', errorCode: 'STEP_NOT_STARTED' });
    expect(await scan({ scanner: 'grype' })).toMatchObject({ kind: 'failed', errorCode: 'STEP_NOT_STARTED' });
    expect(await scan({ scanner: 'none' })).toMatchObject({ kind: 'failed', errorCode: 'INPUT_INVALID' });
  });

  it('takes no program of the checkout for one of the worker', async () => {
    chmodSync(write('grype', '#!/bin/sh\nexit 0\n'), 0o755);
    expect(await scan({}, '.:/nowhere')).toMatchObject({ kind: 'failed', errorCode: 'STEP_NOT_STARTED' });
  });
});

describe('a scan of a checkout that would excuse itself', () => {
  /** Does as the scanner does: files that it is given on the command line are read, and tell themselves in the log. */
  const teller = (program: string, answer: JsonObject): void => {
    const data = write(`../bin/${program}.json`, answer);
    const tell = 'for word; do case "$word" in /*) echo "$(basename "$word") holds [$(cat "$word")]";; esac; done >&2';
    chmodSync(write(`../bin/${program}`, `#!/bin/sh\necho "asked: $*" >&2\n${tell}\ncat "${data}"\n`), 0o755);
  };

  const SCANNERS: readonly (readonly [string, JsonObject, readonly string[]])[] = [
    ['osv-scanner', OSV, ['--no-ignore', 'osv-scanner.toml holds []']],
    ['grype', GRYPE, ['grype.yaml holds [{}]']],
    ['trivy', TRIVY, ['trivy.yaml holds [{}]', 'trivyignore holds []']],
  ];

  it.each(SCANNERS)('gives %s settings of its own', async (program, answer, own) => {
    teller(program, answer);
    await scan();
    for (const words of own) expect(room.log).toContain(words);
  });

  it.each(SCANNERS)(
    'gives %s none where the pipeline says that those of the checkout count',
    async (program, answer) => {
      teller(program, answer);
      await scan({ settings: 'checkout' });
      expect(room.log).toContain('asked: ');
      expect(room.log).not.toMatch(/ --config | --ignorefile | --no-ignore|holds/);
    },
  );
});

describe('what a scan passes with', () => {
  it.each([
    [{ threshold: 'critical' }, true],
    [{ threshold: 'medium' }, false],
    [{ max: { critical: 0, high: 1 } }, true],
    [{ max: { high: 0 } }, false],
    [{ max: { critical: 0 } }, true],
    [{ threshold: 'high', max: { high: 5 } }, false],
    [{ threshold: 'critical', max: { high: 0 } }, false],
    [{}, false],
  ])('%j passes: %s', async (limits, passes) => {
    standIn('grype', GRYPE);
    expect((await scan(limits as JsonObject)).kind === 'succeeded').toBe(passes);
  });

  it('counts a weakness of unknown severity as high', async () => {
    const [first] = GRYPE.matches;
    standIn('grype', {
      ...GRYPE,
      matches: [{ ...first, vulnerability: { id: 'CVE-1', severity: 'Unknown' } }],
    });
    expect(await scan()).toMatchObject({ kind: 'failed', outputs: { counts: { high: 1 } } });
  });
});

describe('SARIF of other scanners', () => {
  const log = (results: unknown, more: JsonObject = {}): JsonObject => ({
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'codeql', rules: [{ id: 'sql', properties: { 'security-severity': '9.8' } }] } },
        results: results as never,
        ...more,
      },
    ],
  });
  const at = { physicalLocation: { artifactLocation: { uri: 'src/db.ts' }, region: { startLine: 7 } } };
  const none = (sarif: string) => scan({ scanner: 'none', sarif });

  it('counts, by score before level, and is told on its line', async () => {
    write('r.sarif', log([{ ruleId: 'sql', level: 'note', message: { text: 'joined' }, locations: [at] }]));
    const outcome = await none('r.sarif');
    expect(outcome).toMatchObject({ kind: 'failed', outputs: { scanner: 'none', counts: { critical: 1 } } });
    expect(outcome.annotations).toEqual([
      expect.objectContaining({ level: 'failure', title: 'sql', path: 'src/db.ts', startLine: 7 }),
    ]);
  });

  it('does not count what is suppressed, none, or no failure, but what is only under review', async () => {
    const suppressed = (status: string) => ({ ruleId: 'sql', suppressions: [{ kind: 'external', status }] });
    write(
      'r.sarif',
      log([
        suppressed('accepted'),
        suppressed('underReview'),
        { ruleId: 'x', level: 'none' },
        { ruleId: 'y', kind: 'pass' },
        { ruleId: 'z', level: 'warning' },
      ]),
    );
    expect((await none('r.sarif')).outputs?.counts).toEqual({ critical: 1, high: 0, medium: 1, low: 0 });
  });

  it.each([
    ['no JSON', 'SARIF'],
    ['another document', { version: '2.1.0' }],
    ['another version', { ...log([]), version: '2.0.0' }],
    ['a log of no run', { version: '2.1.0', runs: [] }],
    ['a run that took no place', log(undefined)],
    ['a run that failed', log([], { invocations: [{ executionSuccessful: false }] })],
  ])('is refused where it is %s', async (_what, content) => {
    write('r.sarif', content);
    expect(await none('r.sarif')).toMatchObject({ kind: 'failed', errorCode: 'SCAN_FAILED' });
  });

  it.each(['../r.sarif', '/etc/passwd', 'missing.sarif'])('is read from the checkout alone: %s', async (sarif) => {
    write('../r.sarif', log([]));
    expect(await none(sarif)).toMatchObject({ kind: 'failed', errorCode: 'INPUT_INVALID' });
  });
});

describe('VEX', () => {
  const vex = (affects: unknown, analysis: JsonObject, id = 'GHSA-35jh-r3h4-6jhm'): JsonObject => ({
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    components: [{ type: 'library', name: 'lodash', 'bom-ref': 'lodash', purl: 'pkg:npm/lodash@4.17.20' }],
    vulnerabilities: [{ id, references: [{ id: 'CVE-2021-23337' }], analysis, affects: affects as never }],
  });
  const away = { state: 'not_affected', justification: 'code_not_reachable', detail: 'template() is not called' };
  /** Of some versions of one package. */
  const of = (versions: unknown, version = ''): JsonObject =>
    vex([{ ref: `pkg:npm/lodash${version}`, versions }], away);

  it.each([
    ['pkg:npm/lodash@4.17.20'],
    ['pkg:npm/lodash'],
    ['lodash'],
    ['urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1#pkg:npm/lodash@4.17.20'],
    ['urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1#pkg%3Anpm%2Flodash%404.17.20'],
    ['pkg:npm/lodash@4.17.20?vcs_url=x'],
  ])('takes away what it says of %s, and is told as OpenVEX', async (ref) => {
    standIn('grype', GRYPE);
    write('vex.json', vex([{ ref }], away));
    const outcome = await scan({ vex: ['vex.json'] });
    expect(outcome).toMatchObject({ kind: 'succeeded', outputs: { findings: 1, suppressed: 1, counts: { high: 0 } } });
    expect(read('scan/scan.openvex.json')).toMatchObject({
      '@context': 'https://openvex.dev/ns/v0.2.0',
      statements: [
        {
          vulnerability: { name: 'GHSA-35jh-r3h4-6jhm', aliases: ['CVE-2021-23337'] },
          products: [{ '@id': expect.stringContaining('pkg:npm/lodash') }],
          status: 'not_affected',
          justification: 'vulnerable_code_not_in_execute_path',
          impact_statement: 'template() is not called',
        },
      ],
    });
    expect((read('scan/scan.json') as { suppressed: unknown[] }).suppressed).toHaveLength(1);
  });

  it.each([
    ['', [{ version: '4.17.20', status: 'unaffected' }]],
    ['@4.17.20', [{ version: '4.17.20', status: 'unaffected' }]],
    [
      '',
      [
        { version: '4.17.19', status: 'affected' },
        { version: '4.17.20', status: 'unaffected' },
      ],
    ],
  ])('takes away the versions of lodash%s that it names: %j', async (version, versions) => {
    standIn('grype', GRYPE);
    write('vex.json', of(versions, version));
    expect(await scan({ vex: 'vex.json' })).toMatchObject({ kind: 'succeeded', outputs: { suppressed: 1 } });
    expect(read('scan/scan.openvex.json')).toMatchObject({
      statements: [{ products: [{ '@id': 'pkg:npm/lodash@4.17.20' }] }],
    });
  });

  it.each([
    ['of another version', vex([{ ref: 'pkg:npm/lodash@4.17.2' }], away)],
    ['of another package that begins alike', vex([{ ref: 'pkg:npm/lodas' }], away)],
    ['of another ecosystem', vex([{ ref: 'pkg:pypi/lodash' }], away)],
    ['of no package', vex([], away)],
    ['of everything', vex(undefined, away)],
    ['of another weakness', { ...vex([{ ref: 'pkg:npm/lodash' }], away, 'GHSA-0000-0000-0000') }],
    ['that it is exploitable', vex([{ ref: 'pkg:npm/lodash' }], { state: 'exploitable' })],
    ['that somebody looks at it', vex([{ ref: 'pkg:npm/lodash' }], { state: 'in_triage' })],
    ['without a state', vex([{ ref: 'pkg:npm/lodash' }], {})],
    ['of other versions', of([{ version: '4.17.2', status: 'unaffected' }])],
    ['of a version that is affected', of([{ version: '4.17.20', status: 'affected' }])],
    ['of a version that says nothing', of([{ version: '4.17.20' }])],
    ['of a version that nobody knows', of([{ version: '4.17.20', status: 'unknown' }])],
    ['of a range', of([{ range: 'vers:npm/>=4.17.0', status: 'unaffected' }])],
    ['of no version', of([])],
    ['of versions of another form', of('4.17.20')],
    ['of one version, by the name of another', of([{ version: '4.17.20', status: 'unaffected' }], '@4.17.21')],
  ])('takes nothing away by a word %s', async (what, document) => {
    const [first] = GRYPE.matches;
    // An alias of the last case would match.
    const matches = what === 'of another weakness' ? [{ ...first, relatedVulnerabilities: [] }] : GRYPE.matches;
    standIn('grype', { ...GRYPE, matches });
    write('vex.json', document);
    expect(await scan({ vex: 'vex.json' })).toMatchObject({ kind: 'failed', outputs: { suppressed: 0 } });
  });

  it.each([['{}'], ['[]'], ['not json'], ['{"bomFormat":"CycloneDX"}']])('refuses %s', async (text) => {
    standIn('grype', GRYPE);
    write('vex.json', text);
    expect((await scan({ vex: 'vex.json' })).kind).toBe('failed');
  });
});
