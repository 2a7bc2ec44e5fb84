// Prints `PASSED FAILED` for vitest's JSON report. A test that did not run counts as failed, unless it needs an optional
// part (see test/real-parts.ts). A file that could not be loaded counts as one failure.
import { readFileSync } from 'node:fs';

const OPTIONAL = /\(needs pwsh: /;

const { testResults, numTotalTests } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
if (numTotalTests === 0) throw new Error('expected tests in the report, found none');
let passed = 0;
let failed = 0;
for (const { name, status, message, assertionResults } of testResults) {
  const broken = assertionResults.filter((test) => test.status !== 'passed' && !isOptional(test));
  for (const test of broken) process.stderr.write(`${test.status}: ${name}: ${test.fullName}\n`);
  passed += assertionResults.filter((test) => test.status === 'passed').length;
  failed += broken.length;
  if (status === 'failed' && broken.length === 0) {
    process.stderr.write(`failed to run: ${name}: ${message}\n`);
    failed++;
  }
}
process.stdout.write(`${passed} ${failed}\n`);

function isOptional({ status, ancestorTitles }) {
  return status !== 'failed' && OPTIONAL.test(ancestorTitles.join(' '));
}
