import { MaestroError } from '../../base/errors.ts';
import { object, oneOf } from '../../protocol/wire/schema.ts';
import type { HttpApiTools } from '../http-api-tools.ts';
import { rememberTroubles } from '../remember-troubles.ts';
import type { OpenRoute } from '../route.ts';

const OK = object({ status: oneOf('ok') });

/** For whoever watches the server: whether it lives, and whether it should be sent callers. */
export function healthRoutes(tools: HttpApiTools): readonly OpenRoute[] {
  const troublesNow = rememberTroubles(tools);
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
