import { MaestroError } from '../../base/errors.ts';
import { ANY_OBJECT } from '../../protocol/wire/schema.ts';
import type { HttpApiTools } from '../http-api-tools.ts';
import { RUN_READS_AT_ONCE_MAX, RUN_READS_OF_ALL_MAX } from '../limits.ts';
import type { WorkerCall, WorkerRoute } from '../route.ts';

/** The run of a job, for its summary and its outputs. */
export function runRoutes(tools: HttpApiTools): readonly WorkerRoute[] {
  return [
    {
      method: 'GET',
      path: '/api/v1/runs/{run}',
      summary: 'The run that the worker’s session is bound to.',
      caller: 'worker',
      atOnceMax: RUN_READS_AT_ONCE_MAX,
      atOnceOfAllMax: RUN_READS_OF_ALL_MAX,
      pathPatterns: { run: '[0-9a-z]{1,64}' },
      answer: ANY_OBJECT,
      handle: ({ worker, path }: WorkerCall) => {
        if (path.run !== worker.run)
          throw new MaestroError('RUN_NOT_FOUND', `this session is bound to run ${worker.run} and sees no other`);
        return tools.readRun(worker.run);
      },
    },
  ];
}
