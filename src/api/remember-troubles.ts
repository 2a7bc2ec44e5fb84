import type { HttpApiTools } from './http-api-tools.ts';
import { HEALTH_MS } from './limits.ts';

/** Looked at once a second, however many ask; that the server goes is seen at once. */
export function rememberTroubles({
  troubles,
  clock,
  closing,
}: Pick<HttpApiTools, 'troubles' | 'clock' | 'closing'>): HttpApiTools['troubles'] {
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
