import { constants } from 'node:os';
import process from 'node:process';
import type { Terminal } from '../src/cli/context.ts';
import { EXIT } from '../src/cli/exit-codes.ts';
import { runCli } from '../src/cli/main.ts';
import type { Streams } from '../src/cli/output.ts';
import { type DisplayConfig, readDisplay } from './config.ts';
import { versionOfHouse } from './house.ts';

/** In a pipe nothing says how wide a line may be; this is wide enough for reasons and paths. */
const COLUMNS_DEFAULT = 120;
const ROWS_DEFAULT = 24;

/** Joins this process's streams, signals and environment to the commands, and ends it with their exit code. */
export async function runProcess(words: readonly string[]): Promise<void> {
  process.stdout.on('error', endQuietlyOnClosedPipe);
  process.stderr.on('error', endQuietlyOnClosedPipe);
  process.once('beforeExit', failOnStandstill);
  const code = await runCli(words, {
    version: versionOfHouse(),
    streams: STREAMS,
    terminal: terminalOf(readDisplay(process.env)),
    openContext: async (globals) => (await import('./cli-context.ts')).openContext(globals),
  });
  await STREAMS.drained();
  process.off('beforeExit', failOnStandstill);
  process.exitCode = code;
}

const STREAMS: Streams = {
  writeOut: (text) => void process.stdout.write(text),
  writeErr: (text) => void process.stderr.write(text),
  drained: () =>
    process.stdout.writableNeedDrain
      ? new Promise((resolve) => process.stdout.once('drain', resolve))
      : Promise.resolve(),
};

/** Node ends a process in which nothing can happen any more, also in the middle of a command: say so. */
function failOnStandstill(): never {
  process.stderr.write('error[INTERNAL]: the command stopped before its end, and nothing is left that it waits for\n');
  process.stderr.write('  next: report this; the state on disk is kept, `maestro resume` goes on\n');
  process.exit(EXIT.failed);
}

function terminalOf(display: DisplayConfig): Terminal {
  const isTty = process.stdout.isTTY;
  return {
    isTty: isTty && display.canMoveCursor,
    hasColors: display.hasColors ?? isTty,
    hasUnicode: display.hasUnicode,
    size: () => ({
      columns: display.columns ?? process.stdout.columns ?? COLUMNS_DEFAULT,
      rows: process.stdout.rows ?? ROWS_DEFAULT,
    }),
  };
}

/** `maestro logs RUN | head` closes the pipe early: that is no error of ours. */
function endQuietlyOnClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
  process.exit(128 + constants.signals.SIGPIPE);
}
