import { isJsonObject, type JsonObject } from '../../base/json.ts';
import type { Annotation } from '../../protocol/outcome.ts';
import type { StepContext } from '../define.ts';
import { readRegularFile } from '../output-file.ts';

export const EVENTS_BYTES_MAX = 4_194_304;
const EVENTS_MAX = 10_000;
const LEVELS: readonly unknown[] = ['notice', 'warning', 'failure'];
const PLACES = ['startLine', 'endLine', 'startColumn', 'endColumn'] as const;

/**
 * Reads what a task emitted, when it has ended: one JSON object per line.
 *
 * `{"type":"annotation","level":"notice|warning|failure","message",…}` becomes an annotation with the fields of GitHub's;
 * every other object, and a line that is none, becomes a line of the log. Throws OUTPUT_TOO_LARGE.
 */
export async function readEvents(path: string, context: Pick<StepContext, 'log' | 'annotate'>): Promise<void> {
  const text = (await readRegularFile(path, EVENTS_BYTES_MAX)) ?? '';
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  for (const line of lines.slice(0, EVENTS_MAX)) {
    const annotation = annotationOf(line);
    if (annotation) context.annotate(annotation);
    else context.log(`[event] ${line}`);
  }
  if (lines.length > EVENTS_MAX) context.log(`[event] ${lines.length - EVENTS_MAX} more events`);
}

function annotationOf(line: string): Annotation | undefined {
  const event = parse(line);
  if (event?.type !== 'annotation' || typeof event.message !== 'string' || !LEVELS.includes(event.level))
    return undefined;
  const texts = (['title', 'path'] as const).filter((name) => typeof event[name] === 'string');
  const numbers = PLACES.filter((name) => typeof event[name] === 'number');
  const more = Object.fromEntries([...texts, ...numbers].map((name) => [name, event[name]]));
  return { level: event.level as Annotation['level'], message: event.message, ...more };
}

function parse(line: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
