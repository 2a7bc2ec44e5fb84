import type { AdmittedJob } from '../../auth/job-admission.ts';
import { newSessionToken } from '../../auth/session-token.ts';
import {
  REGISTERED,
  REGISTRATION,
  type Registered,
  type Registration,
  type RegistrationKey,
  RUN_START,
  type RunStart,
} from '../../protocol/wire/registration.ts';
import type { HttpApiTools } from '../http-api-tools.ts';
import { HELLO_BYTES_MAX, SESSION_MS, SESSION_MS_MAX, START_BYTES_MAX } from '../limits.ts';
import type { JobCall, JobRoute } from '../route.ts';

/** A job shows who it is and becomes a worker, once. */
export function registrationRoutes(tools: HttpApiTools): readonly JobRoute[] {
  return [
    {
      method: 'POST',
      path: '/api/v1/workers:register',
      summary:
        'Registers the job that was dispatched under an id as a worker of its run. Once per attempt of the job, and again with the same key.',
      caller: 'job',
      body: { schema: REGISTRATION, bytesMax: HELLO_BYTES_MAX },
      answer: REGISTERED,
      handle: async ({ identity, body }: JobCall<Registration & RegistrationKey>) =>
        open(tools, await tools.admission.admit(identity, body.dispatchId, body.key), body),
    },
    {
      method: 'POST',
      path: '/api/v1/runs',
      summary: 'Starts a run for the commit of a job in a user’s own workflow, and registers the job to serve it.',
      caller: 'job',
      body: { schema: RUN_START, bytesMax: START_BYTES_MAX },
      answer: REGISTERED,
      handle: async ({ identity, body }: JobCall<RunStart & RegistrationKey>) => {
        const { pipeline, params, key } = body;
        return open(tools, await tools.admission.start(identity, { pipeline, params }, key), body);
      },
    },
  ];
}

async function open(
  tools: HttpApiTools,
  job: AdmittedJob,
  { name, capacity, isolation }: Pick<Registration, 'name' | 'capacity' | 'isolation'>,
): Promise<Registered> {
  const hello = { name, runners: [job.class], capacity, run: job.run, isolation };
  const session = await tools.leases.register(hello);
  const now = tools.clock.now();
  const { token, hash } = newSessionToken(tools.randomBytes);
  await tools.sessions.add(hash, {
    workerId: session.workerId,
    run: job.run,
    class: job.class,
    isolation,
    expiresAt: now + SESSION_MS,
    endsAt: now + SESSION_MS_MAX,
  });
  return { sessionToken: token, session, ...job };
}
