import type { DeliveryHandler } from '../../src/github/delivery-handler.ts';

/**
 * One handler per event, of handlers that are named `event` or `event.action`. Where several want the same, each gets it
 * in turn, and a failure of one is tried again with all: handlers are idempotent.
 */
export function handlersByEvent(
  ...sources: readonly Readonly<Record<string, DeliveryHandler>>[]
): Readonly<Record<string, DeliveryHandler>> {
  const wanted = sources.flatMap((source) => Object.entries(source));
  const events = new Set(wanted.map(([name]) => name.split('.')[0] as string));
  return Object.fromEntries([...events].map((event) => [event, handlerOf(event, wanted)] as const));
}

function handlerOf(event: string, wanted: readonly (readonly [string, DeliveryHandler])[]): DeliveryHandler {
  return async (delivery) => {
    const names = [event, `${event}.${delivery.action ?? ''}`];
    const notes: string[] = [];
    for (const [name, handle] of wanted) if (names.includes(name)) notes.push(await handle(delivery));
    return notes.length > 0 ? notes.join('; ') : `nothing to do for ${event} ${delivery.action ?? ''}`.trim();
  };
}
