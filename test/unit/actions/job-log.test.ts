import { readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as core from '@actions/core';
import { describe, expect, it, vi } from 'vitest';
import { AnnotationWriter, annotationCommand, foreignGroup, setOutput, tableCell } from '../../../actions/job-log.ts';
import { StepReporter } from '../../../actions/run/step-reporter.ts';
import type { Outcome } from '../../../src/protocol/outcome.ts';
import { leaseOf } from '../worker/leases.ts';

const NASTY = 'one, 50%: done\r\n::set-output name=x::y\n##[command]id';

describe('the log of a job', () => {
  it('escapes annotations as GitHub’s own toolkit does', () => {
    const written: string[] = [];
    const spy = vi.spyOn(process.stdout, 'write').mockImplementation((text) => written.push(String(text)) > 0);
    core.error(NASTY, { file: 'a,b:c%.ts', startLine: 3, endLine: 4, startColumn: 5, endColumn: 6, title: 'a: b, c' });
    spy.mockRestore();
    const ours = annotationCommand({
      level: 'failure',
      message: NASTY,
      path: 'a,b:c%.ts',
      startLine: 3,
      endLine: 4,
      startColumn: 5,
      endColumn: 6,
      title: 'a: b, c',
    });
    const parts = (command: string) => {
      const [, properties = '', message] = /^::error ([^:]*)::(.*)$/.exec(command.trim()) ?? [];
      return { properties: properties.split(',').sort(), message };
    };
    expect(parts(ours)).toEqual(parts(written.join('')));
  });

  it('lets the text of a step end neither its group nor the stop of commands', () => {
    const lines = foreignGroup('step', `::endgroup::\n::error::forged\n::stop-commands::mine\n::mine::\n`);
    const [group, stop, text, resume, end, ...rest] = lines;
    const token = stop?.slice('::stop-commands::'.length) ?? '';
    expect(group).toBe('::group::step');
    expect(token).toMatch(/^[0-9a-f]{32}$/);
    expect(text).not.toContain(token);
    expect([resume, end]).toEqual([`::${token}::`, '::endgroup::']);
    expect(rest).toEqual([]);
    expect(foreignGroup('step', '')[1]).not.toBe(stop);
  });

  it('keeps the title of a group on its line', () => {
    expect(foreignGroup('a\n::error::b', '')[0]).toBe('::group::a%0A::error::b');
  });

  it('writes as many annotations of a level as GitHub keeps, and counts the rest', () => {
    const lines: string[] = [];
    const writer = new AnnotationWriter((line) => lines.push(line));
    for (let i = 0; i < 25; i++) writer.add({ level: 'warning', message: `w${i}` });
    writer.add({ level: 'failure', message: 'f' });
    writer.end();
    expect(lines).toHaveLength(12);
    expect(lines.at(-1)).toContain('15 more');
  });

  it('writes outputs that no value can continue into another output', () => {
    const file = join(tmpdir(), `maestro-output-${process.pid}`);
    setOutput({ GITHUB_OUTPUT: file }, 'status', 'a\nEND\nrun-id=forged');
    const text = readFileSync(file, 'utf8');
    rmSync(file);
    const [, end] = /^status<<(END-[0-9a-f]{32})\n/.exec(text) ?? [];
    expect(text).toBe(`status<<${end}\na\nEND\nrun-id=forged\n${end}\n`);
  });

  it('takes markup, mentions and links from cells of its summary', () => {
    const cell = tableCell('a | b\n<img src=x> @team [x](http://e) `c` https://e.example #1');
    expect(cell).not.toMatch(/[|<>@[\]()`\n]|#\d(?!\d*;)|https:/);
  });
});

describe('the report of steps', () => {
  const report = (outcome: Outcome, answer: 'recorded' | 'lost' = 'recorded') => {
    const lines: string[] = [];
    let now = 0;
    const reporter = new StepReporter(
      (line) => lines.push(line),
      () => now,
    );
    const lease = leaseOf();
    reporter.onLease(lease);
    reporter.onLog([{ stepId: lease.stepId, fence: lease.fence, seq: 0, text: 'hello\n' }]);
    now = 2000;
    reporter.onComplete([{ stepId: lease.stepId, fence: lease.fence, outcome }], [answer]);
    return { lines, summary: reporter.summary() };
  };

  it('is a group with the end of the step, its time, and its log', () => {
    const { lines, summary } = report({ kind: 'succeeded' });
    expect(lines[0]).toBe('started step');
    expect(lines[1]).toBe('::group::step: succeeded after 2.0s');
    expect(lines).toContain('hello');
    expect(summary).toContain('| step | succeeded | 2.0s |');
  });

  it('is an annotation where a step failed without one of its own', () => {
    const { lines } = report({ kind: 'failed', message: 'exit status 1' });
    expect(lines.at(-1)).toBe('::error title=step::exit status 1');
  });

  it('tells a lost step from one that counted', () => {
    expect(report({ kind: 'succeeded' }, 'lost').summary).toContain('lost to another worker');
  });

  it('holds a part of a log that is too long for the job’s log', () => {
    const lines: string[] = [];
    const reporter = new StepReporter(
      (line) => lines.push(line),
      () => 0,
    );
    const { stepId, fence } = leaseOf();
    reporter.onLease(leaseOf());
    for (let seq = 0; seq < 10; seq++) reporter.onLog([{ stepId, fence, seq, text: 'x'.repeat(65_536) }]);
    reporter.onComplete([{ stepId, fence, outcome: { kind: 'succeeded' } }], ['recorded']);
    const text = lines.join('\n');
    expect(text.length).toBeLessThan(300_000);
    expect(text).toContain('the rest is in the log that the conductor keeps');
  });
});
