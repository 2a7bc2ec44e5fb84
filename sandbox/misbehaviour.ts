/** What the sandbox does wrong on request, as the real one does now and then. */
export type MisbehaviourRule = {
  /** How often the rule applies; without it, for ever. */
  readonly times?: number;
  /** 0 to 1: applies by chance, drawn from the sandbox's `random`. */
  readonly probability?: number;
} & (WebhookRule | ApiRule);

export type WebhookRule =
  | { readonly kind: 'drop' | 'duplicate' | 'reorder'; readonly event?: string }
  | { readonly kind: 'delay'; readonly event?: string; readonly delayMs: number };

export interface ApiRule {
  readonly kind: 'answer';
  /** Tested against `POST /repos/o/r/check-runs`. */
  readonly call: RegExp;
  readonly answer:
    | { readonly type: 'secondary-limit'; readonly retryAfterSeconds: number }
    | { readonly type: 'rate-limit'; readonly retryAfterSeconds: number }
    | { readonly type: 'status'; readonly status: number }
    /** The call is carried out and its answer lost: what a broken connection does. */
    | { readonly type: 'lost-answer' }
    /** The call is carried out, and the body of its 2xx answer breaks off after so many bytes. */
    | { readonly type: 'cut-body'; readonly bytes: number }
    /** The call is carried out, headers come, and then nothing until the caller gives up. */
    | { readonly type: 'hang' };
}

interface Active {
  readonly rule: MisbehaviourRule;
  left: number;
}

export class Misbehaviour {
  private active: Active[] = [];
  private readonly random: () => number;

  constructor(random: () => number) {
    this.random = random;
  }

  /** Returns how to end it. */
  add(rule: MisbehaviourRule): () => void {
    const entry = { rule, left: rule.times ?? Number.POSITIVE_INFINITY };
    this.active.push(entry);
    return () => {
      this.active = this.active.filter((other) => other !== entry);
    };
  }

  forWebhook(event: string): WebhookRule | null {
    const entry = this.active.find(
      ({ rule, left }) => left > 0 && rule.kind !== 'answer' && (rule.event ?? event) === event && this.isChosen(rule),
    );
    if (entry === undefined || entry.rule.kind === 'answer') return null;
    entry.left -= 1;
    return entry.rule;
  }

  forCall(call: string): ApiRule['answer'] | null {
    const entry = this.active.find(
      ({ rule, left }) => left > 0 && rule.kind === 'answer' && rule.call.test(call) && this.isChosen(rule),
    );
    if (entry === undefined || entry.rule.kind !== 'answer') return null;
    entry.left -= 1;
    return entry.rule.answer;
  }

  private isChosen({ probability }: MisbehaviourRule): boolean {
    return probability === undefined || this.random() < probability;
  }
}
