import type { Probot } from 'probot';

/** One webhook whose signature is right. `payload` is as GitHub sent it. */
export interface VerifiedWebhook {
  /** `X-GitHub-Delivery` */
  readonly id: string;
  /** `X-GitHub-Event` */
  readonly name: string;
  readonly payload: unknown;
}

/** The Probot application: every verified webhook goes to the inbox, and nothing else happens while GitHub waits. */
export function maestroApp(receive: (webhook: VerifiedWebhook) => Promise<unknown>): (probot: Probot) => void {
  return (probot) => {
    probot.onAny(async ({ id, name, payload }) => {
      await receive({ id, name, payload });
    });
  };
}
