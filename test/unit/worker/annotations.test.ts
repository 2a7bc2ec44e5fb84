import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ANNOTATIONS_MAX, type Annotation } from '../../../src/protocol/outcome.ts';
import { AnnotationCollector } from '../../../src/worker/annotations/collector.ts';
import { PROBLEM_MATCHERS, plainLine } from '../../../src/worker/annotations/problem-matchers.ts';
import { readReport } from '../../../src/worker/annotations/reports.ts';
import { annotationOfCommand, parseWorkflowCommand } from '../../../src/worker/annotations/workflow-commands.ts';
import { AttemptLog } from '../../../src/worker/attempt-log.ts';
import { LogStream } from '../../../src/worker/log-stream.ts';
import { Masker } from '../../../src/worker/mask.ts';

function remarks(lines: readonly string[]): readonly Annotation[] {
  const matchers = PROBLEM_MATCHERS.map(({ make }) => make());
  return lines.map(plainLine).flatMap((line) => matchers.flatMap((match) => match(line) ?? []));
}

describe('workflow commands', () => {
  it.each([
    ['::error::plain', { level: 'failure', message: 'plain' }],
    ['::error file=a.ts,line=3::text', { level: 'failure', message: 'text', path: 'a.ts', startLine: 3, endLine: 3 }],
    [
      '::warning file=a.ts,line=3,endLine=5,col=2,endColumn=9,title=T%3A 1%2C 2::a%0Ab%25',
      {
        level: 'warning',
        message: 'a\nb%',
        title: 'T: 1, 2',
        path: 'a.ts',
        startLine: 3,
        endLine: 5,
        startColumn: 2,
        endColumn: 9,
      },
    ],
    ['  ::notice title=x::indented', { level: 'notice', title: 'x', message: 'indented' }],
    ['::error file=C:\\a.ts::with a colon', { level: 'failure', path: 'C:\\a.ts', message: 'with a colon' }],
    ['::error file=a.ts,line=many::text', { level: 'failure', path: 'a.ts', message: 'text' }],
  ])('%s', (line, annotation) => {
    const command = parseWorkflowCommand(line);
    expect(command && annotationOfCommand(command)).toEqual(annotation);
  });

  it.each(['std::vector<int> x', 'error::text', ':: error::text', '::group::Build', '::endgroup::', '::error::'])(
    '%s is no remark',
    (line) => {
      const command = parseWorkflowCommand(line);
      expect(command && annotationOfCommand(command)).toBeUndefined();
    },
  );
});

describe('problem matchers', () => {
  it('read tsc, plain and pretty', () => {
    expect(
      remarks([
        "src/(app)/a.ts(3,14): error TS2322: Type 'x' is not assignable.",
        '\u001b[96msrc/b.ts\u001b[0m:\u001b[93m1\u001b[0m:\u001b[93m2\u001b[0m - \u001b[91merror\u001b[0m\u001b[90m TS1005: \u001b[0m; expected.',
      ]),
    ).toEqual([
      {
        path: 'src/(app)/a.ts',
        startLine: 3,
        endLine: 3,
        startColumn: 14,
        endColumn: 14,
        level: 'failure',
        title: 'TS2322',
        message: "Type 'x' is not assignable.",
      },
      {
        path: 'src/b.ts',
        startLine: 1,
        endLine: 1,
        startColumn: 2,
        endColumn: 2,
        level: 'failure',
        title: 'TS1005',
        message: '; expected.',
      },
    ]);
  });

  it('read ESLint’s stylish output', () => {
    expect(
      remarks([
        '',
        '/repo/src/a.js',
        "  1:10  error    'x' is defined but never used  no-unused-vars",
        '  2:1   warning  Unexpected console statement',
        '',
        '✖ 2 problems',
      ]),
    ).toEqual([
      {
        path: '/repo/src/a.js',
        startLine: 1,
        endLine: 1,
        startColumn: 10,
        endColumn: 10,
        level: 'failure',
        message: "'x' is defined but never used",
        title: 'no-unused-vars',
      },
      {
        path: '/repo/src/a.js',
        startLine: 2,
        endLine: 2,
        startColumn: 1,
        endColumn: 1,
        level: 'warning',
        message: 'Unexpected console statement',
      },
    ]);
  });

  it('read ESLint’s JSON', () => {
    const report = [
      {
        filePath: '/repo/a.js',
        messages: [
          { ruleId: 'semi', severity: 2, message: 'Missing semicolon.', line: 4, column: 2, endLine: 4, endColumn: 3 },
          null,
          { message: 5 },
        ],
      },
      { filePath: 1 },
      null,
    ];
    expect(remarks([JSON.stringify(report)])).toEqual([
      {
        path: '/repo/a.js',
        startLine: 4,
        endLine: 4,
        startColumn: 2,
        endColumn: 3,
        level: 'failure',
        title: 'semi',
        message: 'Missing semicolon.',
      },
    ]);
  });

  it('read go vet', () => {
    expect(
      remarks([
        '# example.com/x',
        './main.go:12:5: fmt.Printf format %d has arg s of wrong type string',
        'vet: ./b.go:3:1: expected declaration',
        'pkg/c.go:7: message',
      ]),
    ).toMatchObject([
      {
        path: './main.go',
        startLine: 12,
        startColumn: 5,
        message: 'fmt.Printf format %d has arg s of wrong type string',
      },
      { path: './b.go', startLine: 3 },
      { path: 'pkg/c.go', startLine: 7, message: 'message' },
    ]);
  });

  it('take time in proportion to a hostile line', () => {
    const startedAt = performance.now();
    remarks([
      '('.repeat(500_000),
      `${'a.go'.repeat(200_000)}:`,
      `a${'(1,1'.repeat(200_000)}`,
      `  1:1  error  ${'  x'.repeat(200_000)}`,
      `::error ${'a=b,'.repeat(200_000)}`,
    ]);
    parseWorkflowCommand(`::error ${':a'.repeat(300_000)}`);
    expect(performance.now() - startedAt).toBeLessThan(2000);
  });
});

describe('reports', () => {
  it('read SARIF', () => {
    const location = {
      physicalLocation: {
        artifactLocation: { uri: 'src/a%20b.ts' },
        region: { startLine: 3, startColumn: 2, endLine: 4, endColumn: 9 },
      },
    };
    const results = [
      { ruleId: 'R1', level: 'error', message: { text: 'bad' }, locations: [location] },
      { ruleId: 'R2', message: { text: 'default level' } },
      { ruleId: 'R3', level: 'none', message: { text: 'nothing' } },
      { ruleId: 'R4', message: { text: 'suppressed' }, suppressions: [{ kind: 'inSource' }] },
      {},
    ];
    expect(readReport('x.sarif', JSON.stringify({ version: '2.1.0', runs: [{ results }] }))).toEqual([
      {
        level: 'failure',
        message: 'bad',
        title: 'R1',
        path: 'src/a b.ts',
        startLine: 3,
        endLine: 4,
        startColumn: 2,
        endColumn: 9,
      },
      { level: 'warning', message: 'default level', title: 'R2' },
    ]);
  });

  it('read of SARIF what the run says of its rules, and leave out what is no problem', () => {
    const tool = {
      driver: {
        rules: [
          { id: 'a', defaultConfiguration: { level: 'error' } },
          { id: 'b', defaultConfiguration: { level: 'error' } },
        ],
      },
    };
    const invocations = [
      { ruleConfigurationOverrides: [{ descriptor: { index: 1 }, configuration: { level: 'note' } }] },
    ];
    const results = [
      { ruleId: 'a', message: { text: 'as the rule says' } },
      { ruleId: 'b', message: { text: 'as the invocation says' } },
      { ruleId: 'a', kind: 'pass', message: { text: 'no problem' } },
      { ruleId: 'a', message: { text: 'rejected' }, suppressions: [{ kind: 'external', status: 'rejected' }] },
    ];
    const remarks = readReport('x.sarif', JSON.stringify({ version: '2.1.0', runs: [{ tool, invocations, results }] }));
    expect(remarks.map(({ level, message }) => [level, message])).toEqual([
      ['failure', 'as the rule says'],
      ['notice', 'as the invocation says'],
      ['failure', 'rejected'],
    ]);
  });

  it('read JUnit XML with nested suites', () => {
    const xml = `<?xml version="1.0"?><testsuites><testsuite name="s"><testsuite name="inner">
      <testcase classname="A" name="adds &lt;two&gt;" file="a.test.ts" line="7"><failure message="expected 1 &amp; got 2">at a.test.ts:7</failure></testcase>
      <testcase classname="A" name="fine"/><testcase name="broken"><error>boom</error></testcase></testsuite></testsuite></testsuites>`;
    expect(readReport('junit.xml', xml)).toEqual([
      {
        level: 'failure',
        message: 'expected 1 & got 2\nat a.test.ts:7',
        title: 'A > adds <two>',
        path: 'a.test.ts',
        startLine: 7,
        endLine: 7,
      },
      { level: 'failure', message: 'boom', title: 'broken' },
    ]);
  });

  it('do not expand entities that a document declares', () => {
    const bomb = `<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><testsuite><testcase name="n"><failure>&b;</failure></testcase></testsuite>`;
    expect(JSON.stringify(readReport('junit.xml', bomb))).not.toContain('haha');
  });

  it('are no remarks where a file is something else', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), fc.constantFrom('x.xml', 'x.sarif'), (text, path) => {
        expect(readReport(path, text)).toEqual([]);
      }),
    );
  });
});

describe('annotation collector', () => {
  const collect = (...annotations: readonly Annotation[]): readonly Annotation[] => {
    const collector = new AnnotationCollector(new Masker(['s3cret-value']), '/repo', '/repo/packages/a');
    annotations.forEach(collector.add);
    return collector.list();
  };

  it.each([
    ['src/x.ts', 'packages/a/src/x.ts'],
    ['/repo/src/x.ts', 'src/x.ts'],
    ['../b/x.ts', 'packages/b/x.ts'],
    ['./x.ts', 'packages/a/x.ts'],
  ])('names %s as the repository does: %s', (path, expected) => {
    expect(collect({ level: 'notice', message: 'm', path, startLine: 1 })).toEqual([
      { level: 'notice', message: 'm', path: expected, startLine: 1 },
    ]);
  });

  it('finds the file also where a secret is part of the path of the checkout', () => {
    const collector = new AnnotationCollector(new Masker(['runner']), '/home/runner/app', '/home/runner/app');
    collector.add({ level: 'notice', message: 'm', path: '/home/runner/app/src/runner.ts', startLine: 1 });
    expect(collector.list()).toEqual([{ level: 'notice', message: 'm', path: 'src/***.ts', startLine: 1 }]);
  });

  it('drops the place, not the remark, of a file outside of the repository', () => {
    expect(collect({ level: 'notice', message: 'm', path: '/etc/passwd', startLine: 1 })).toEqual([
      { level: 'notice', message: 'm' },
    ]);
  });

  it('drops numbers that are no positions', () => {
    expect(collect({ level: 'notice', message: 'm', path: 'x', startLine: 0, endLine: 1.5, startColumn: -1 })).toEqual([
      { level: 'notice', message: 'm', path: 'packages/a/x' },
    ]);
  });

  it('keeps each remark once, masked, without what stores refuse', () => {
    expect(
      collect(
        { level: 'notice', message: 'a s3cret-value\0\ud800' },
        { level: 'notice', message: 'a s3cret-value\0\ud800' },
      ),
    ).toEqual([{ level: 'notice', message: 'a ***\ufffd\ufffd' }]);
  });

  it.each([
    ['message', 16_384],
    ['title', 255],
    ['path', 1020],
  ] as const)('leaves nothing of a secret that lies across the cut of a long %s', (field, charsMax) => {
    const secret = 'Aq7Zx9Lm2Kp4Wv6Tr8Yb1Nc3Hd5Jf0Gs-Ue_Io.Q';
    const collector = new AnnotationCollector(new Masker([secret]), '/repo', '/repo');
    for (const add of [collector.add, collector.addOwn])
      for (let before = charsMax - 45; before <= charsMax; before++)
        add({ level: 'notice', message: 'm', [field]: `${'x'.repeat(before)}${secret} and more` });
    const found = collector.list().map((one) => one[field] ?? '');
    expect(found.length).toBeGreaterThan(1);
    for (const text of found) {
      expect(text.length).toBeLessThanOrEqual(charsMax);
      expect(text).not.toContain(secret.slice(0, 4));
    }
  });

  it('masks a value that became known after the remark', () => {
    const masker = new Masker();
    const collector = new AnnotationCollector(masker, '/repo', '/repo');
    collector.add({ level: 'notice', message: 'the value is later-known', title: 'later-known' });
    masker.add('later-known');
    expect(collector.list()).toEqual([{ level: 'notice', message: 'the value is ***', title: '***' }]);
  });

  it('keeps as many as the protocol allows and counts the rest, first of all', () => {
    const list = collect(
      ...Array.from({ length: ANNOTATIONS_MAX + 500 }, (_, i): Annotation => ({ level: 'notice', message: `m${i}` })),
    );
    expect(list).toHaveLength(ANNOTATIONS_MAX);
    expect(list[0]).toEqual({ level: 'notice', message: '501 more annotations are in the log only' });
  });
});

describe('the log of an attempt', () => {
  const text = `${'noise\n'.repeat(50)}/repo/src/a.js\n  1:10  error    bad thing  rule-x\nsrc/b.ts(3,14): error TS2322: wrong\n::warning file=c.ts,line=2::careful\n::set-output name=x::1\nlast line`;

  async function logged(chunks: readonly Buffer[]): Promise<{ stored: string; annotations: readonly Annotation[] }> {
    const masker = new Masker();
    const annotations = new AnnotationCollector(masker, '/repo', '/repo');
    let stored = '';
    const stream = new LogStream({
      held: { stepId: '1.0', fence: 1 },
      append: async (parts) => void (stored += parts.map((part) => part.text).join('')),
      pause: async () => {},
    });
    const log = new AttemptLog(masker, stream, annotations, () => {});
    for (const chunk of chunks) await log.write(chunk);
    await log.end();
    return { stored, annotations: annotations.list() };
  }

  it('finds the same remarks and stores the same text however the output is cut', async () => {
    const bytes = Buffer.from(text);
    const whole = await logged([bytes]);
    expect(whole.stored).toBe(text);
    expect(whole.annotations.map(({ path }) => path)).toEqual(['src/a.js', 'src/b.ts', 'c.ts', undefined]);
    expect(whole.annotations.at(-1)).toMatchObject({
      level: 'notice',
      message: expect.stringContaining('GITHUB_OUTPUT'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(bytes.length), { maxLength: 12 }), async (cuts) => {
        const sorted = [0, ...cuts.sort((a, b) => a - b), bytes.length];
        expect(await logged(sorted.slice(1).map((end, i) => bytes.subarray(sorted[i], end)))).toEqual(whole);
      }),
    );
  });
});
