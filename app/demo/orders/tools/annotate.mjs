import { relative } from 'node:path';

/** A reporter of node's test runner: one annotation where a test failed, one line where it passed. */
export default async function* annotate(source) {
  for await (const { type, data } of source) {
    if (type === 'test:pass') yield `ok ${data.name}\n`;
    if (type === 'test:fail' && data.details.error.cause?.code !== 'ERR_TEST_FAILURE') {
      const { file, line, name, details } = data;
      const { message } = details.error.cause ?? details.error;
      const text = `${name}: ${message}`.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
      yield `::error file=${relative(process.cwd(), file)},line=${line},title=${name}::${text}\n`;
    }
  }
}
