import { workerData } from 'node:worker_threads';
import { messageOf } from '../../base/errors.ts';
import { BROKEN, Mailbox, READY } from './mailbox.ts';
import { OwnModule } from './own-module.ts';

/** What the thread of a bundle is started with. */
export interface LoopData {
  readonly shared: SharedArrayBuffer;
  readonly wasm: Uint8Array;
  readonly data: Uint8Array;
}

/** What lies in the mailbox after a question; no `value` where the entrypoint has none. */
export type LoopAnswer = { readonly value?: unknown } | { readonly failure: string };

const { shared, wasm, data } = workerData as LoopData;
const mailbox = new Mailbox(shared);
const module = open();
if (module !== undefined) serve(module);

function open(): OwnModule | undefined {
  try {
    return new OwnModule(wasm, data);
  } catch (error) {
    mailbox.put(BROKEN, new TextEncoder().encode(messageOf(error)));
    return undefined;
  }
}

/** Answers until the thread is ended from outside. */
function serve(module: OwnModule): never {
  mailbox.put(READY, new Uint8Array());
  for (;;) {
    mailbox.waitWhile(READY);
    const answer = new TextEncoder().encode(JSON.stringify(answerTo(module, mailbox.take().buffer)));
    if (!mailbox.put(READY, answer)) mailbox.put(READY, new TextEncoder().encode(TOO_LARGE));
  }
}

const TOO_LARGE = JSON.stringify({ failure: 'the answer is too large' } satisfies LoopAnswer);

function answerTo(module: OwnModule, question: ArrayBuffer): LoopAnswer {
  try {
    return { value: module.evaluate(question) };
  } catch (error) {
    return { failure: messageOf(error) };
  }
}
