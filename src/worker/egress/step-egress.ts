import { MaestroError } from '../../base/errors.ts';
import type { AttemptScope } from '../attempt-scope.ts';
import { Masker } from '../mask.ts';
import { EgressProxy } from './proxy.ts';

/**
 * Whose processes hold to the proxy's address: most programs, in one case of letters or the other, and Node from 24 on
 * where it is told to. NO_PROXY would lead past the list.
 */
function proxyVariables(url: string): Readonly<Record<string, string>> {
  const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY'].flatMap((name) => [name, name.toLowerCase()]);
  return {
    ...Object.fromEntries(names.map((name) => [name, url])),
    NO_PROXY: '',
    no_proxy: '',
    NODE_USE_ENV_PROXY: '1',
  };
}

/**
 * Holds the programs of one attempt to the egress that its step lists: not begun -> open -> closed.
 *
 * A step that lists nothing is not held. The proxy is opened for the first program, so a step of the worker's own process,
 * which holds itself, has none.
 */
export class StepEgress {
  readonly #scope: AttemptScope;
  #opening: Promise<EgressProxy> | undefined;
  #isClosed = false;

  constructor(scope: AttemptScope) {
    this.#scope = scope;
  }

  /** What a program's environment holds because of it; nothing of the pipeline's stands above. */
  async variables(): Promise<Readonly<Record<string, string>>> {
    const { lease, tools, masker } = this.#scope;
    const { egress } = lease.step;
    if (egress.length === 0) return {};
    // Of a step that was given up: a program that it starts now would find nobody.
    if (this.#isClosed) throw new MaestroError('STEP_NOT_STARTED', 'the attempt has ended');
    this.#opening ??= EgressProxy.open({ egress, hostEnv: tools.hostEnv });
    const proxy = await this.#opening;
    masker.add(proxy.password);
    return proxyVariables(proxy.url);
  }

  /** Tells in the log where the step went, and in a remark what it was kept from. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const proxy = await this.#opening?.catch(() => undefined);
    if (!proxy) return;
    const tally = await proxy.close();
    const { log, annotations, secrets } = this.#scope;
    // Many programs write hosts in lower case, also one that is made of a secret.
    const lowerCase = new Masker(Object.values(secrets).map((value) => value.toLowerCase()));
    await log.writeOwn(tally.lines().map((line) => lowerCase.maskText(line)));
    const remark = tally.remark();
    if (remark !== undefined) annotations.addOwn({ level: 'warning', message: lowerCase.maskText(remark) });
  }
}
