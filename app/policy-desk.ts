import { SYSTEM_CLOCK } from '../src/base/clock.ts';
import type { OwnRulesFolders, PolicyDesk } from '../src/cli/context.ts';
import { explainPlan } from '../src/engine/explain.ts';
import { parseCaseFile } from '../src/policy/cases/case-file.ts';
import { judgeCase } from '../src/policy/cases/judge-case.ts';
import { RulesFolder } from '../src/policy/own/rules-folder.ts';
import type { Config } from './config.ts';
import { openPolicyOf } from './wire.ts';

/** What the project's policy would say, and an organisation's own rules beside it: no database. */
export async function openPolicyDesk(config: Config, folders: OwnRulesFolders | undefined): Promise<PolicyDesk> {
  const own = folders && (await openFolder(folders));
  try {
    const { policy } = await openPolicyOf(config, own?.current());
    return {
      explain: (request, step) => explainPlan(policy, request, step),
      test: ({ text, path }) => parseCaseFile(text, path).map((one) => judgeCase(one, policy.evaluate(one.input))),
      close: async () => own?.close(),
    };
  } catch (error) {
    await own?.close();
    throw error;
  }
}

/** As it is now: a command is over before anything could change. */
function openFolder({ bundles, keys }: OwnRulesFolders): Promise<RulesFolder> {
  return RulesFolder.open({ folder: bundles, keys, clock: SYSTEM_CLOCK, onError: () => {} });
}
