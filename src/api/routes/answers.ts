import type { Digest } from '../../base/digest.ts';
import type { AnswerCall } from '../../protocol/person-call.ts';
import { ANSWER } from '../../protocol/wire/answer-calls.ts';
import { PERSON_CALLS_AT_ONCE_MAX, SMALL_BYTES_MAX } from '../limits.ts';
import type { PersonCall, PersonRoute } from '../route.ts';

type Answer = Pick<AnswerCall, 'gate' | 'reason'> & { readonly planDigest?: Digest };

const SUMMARIES: Readonly<Record<AnswerCall['decision'], string>> = {
  approve: 'Lets a gate of the run go on, or the run begin, as the person whose token it is.',
  deny: 'Closes a gate of the run.',
  revoke: 'Takes back what the same person approved, as long as the gate still waits.',
};

/** Answers of people. Given again, an answer that counted changes nothing: the gate waits no more, or has it already. */
export function answerRoutes(): readonly PersonRoute[] {
  return (Object.keys(SUMMARIES) as AnswerCall['decision'][]).map((decision) => ({
    method: 'POST',
    path: `/api/v1/runs/{run}:${decision}`,
    summary: SUMMARIES[decision],
    caller: 'person',
    atOnceMax: PERSON_CALLS_AT_ONCE_MAX,
    pathPatterns: { run: '[0-9a-z]{1,64}' },
    body: { schema: ANSWER.body, bytesMax: SMALL_BYTES_MAX },
    answer: ANSWER.answer,
    handle: ({ person, path, body }: PersonCall<Answer>) => person.answer({ ...body, run: path.run ?? '', decision }),
  }));
}
