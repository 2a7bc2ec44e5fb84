import { STREAM_IDLE_MS_MAX } from './limits.ts';

/**
 * Content as an answer, made as its reader takes it. A reader that takes nothing for a minute is given up: what it reads from
 * stays open that long.
 */
export function streamAnswer(
  content: AsyncIterable<Uint8Array>,
  onEnd: () => void,
  idleMsMax = STREAM_IDLE_MS_MAX,
): Response {
  const source = content[Symbol.asyncIterator]();
  let idle: NodeJS.Timeout | undefined;
  const end = async (): Promise<void> => {
    clearTimeout(idle);
    onEnd();
    await source.return?.();
  };
  const body = new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        clearTimeout(idle);
        try {
          const { done, value } = await source.next();
          if (done) {
            await end();
            return controller.close();
          }
          controller.enqueue(value);
        } catch (error) {
          await end();
          return controller.error(error);
        }
        idle = setTimeout(() => {
          controller.error(new Error(`nothing was read for ${idleMsMax} ms`));
          void end();
        }, idleMsMax);
      },
      cancel: end,
    },
    { highWaterMark: 0 },
  );
  return new Response(body, { headers: { 'content-type': 'application/octet-stream' } });
}
