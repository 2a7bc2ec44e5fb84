import { MaestroError } from '../../base/errors.ts';
import { object, oneOf } from '../../protocol/wire/schema.ts';
import type { HttpApiTools } from '../http-api-tools.ts';
import { HEALTH_MS } from '../limits.ts';
import type { OpenRoute } from '../route.ts';

const OK = object({ status: oneOf('ok') });

/** For whoever watches the server: whether it lives, and whether it should be sent callers. */
export function healthRoutes(tools: HttpApiTools): readonly OpenRoute[] {
  const troublesNow = remembered(tools);
  return [
    {
      method: 'GET',
      path: '/healthz',
      summary: 'Whether the process answers.',
      caller: 'anyone',
      isUnlimited: true,
      answer: OK,
      handle: async () => ({ status: 'ok' }),
    },
    {
      method: 'GET',
      path: '/readyz',
      summary: 'Whether the server can work: 503 while it starts, drains, or lacks its database.',
      caller: 'anyone',
      answer: OK,
      handle: async () => {
        const troubles = await troublesNow();
        if (troubles.length === 0) return { status: 'ok' };
        throw new MaestroError('UNAVAILABLE', `not ready: ${troubles.join(', ')}`);
      },
    },
  ];
}

/** Looked at once a second, however many ask; that the server goes is seen at once. */
function remembered({ troubles, clock, closing }: HttpApiTools): HttpApiTools['troubles'] {
  let seenAt = Number.NEGATIVE_INFINITY;
  let seen: ReturnType<HttpApiTools['troubles']> | undefined;
  closing.addEventListener('abort', () => (seen = undefined), { once: true });
  return () => {
    const now = clock.now();
    if (seen && now - seenAt < HEALTH_MS) return seen;
    seenAt = now;
    return (seen = troubles());
  };
}
