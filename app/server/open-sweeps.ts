import { SYSTEM_CLOCK } from '../../src/base/clock.ts';
import { InstallationStates } from '../../src/github/intake/installation-states.ts';
import { MissedDeliveries } from '../../src/github/intake/missed-deliveries.ts';
import { MissedHeads } from '../../src/github/intake/missed-heads.ts';
import { OpenRuns } from '../../src/github/intake/open-runs.ts';
import { Sweeps } from '../../src/github/intake/sweeps.ts';
import { AbandonedRequests } from '../../src/github/protection/abandoned-requests.ts';
import { ReleaseWatch } from '../../src/github/release/release-watch.ts';
import { openReleaseTeller } from '../../src/github/release/tell-releases.ts';
import type { OnError } from './conductor.ts';
import type { Rooms } from './rooms.ts';

const SWEEP_EVERY_MS = 300_000;
/** What failed while no server was up shows in GitHub's list only when GitHub has given up: it is looked for again soon. */
const MISSED_SOON_MS = 5000;
/** A release that could not be judged at once is waited for. */
const PAGES_EVERY_MS = 30_000;
const PRUNE_EVERY_MS = 3_600_000;
const DAY_MS = 86_400_000;
/** GitHub redelivers for three days; a delivery, or a comment, that was forgotten would count as new. */
const INBOX_KEPT_MS = 7 * DAY_MS;
/** What has ended, as it stood on GitHub: runs, reports, jobs, grants. */
const ENDED_KEPT_MS = 90 * DAY_MS;
/** Runs of the newest commit of a pull request, which may be open and quiet for long. */
const PULL_HEAD_KEPT_MS = 365 * DAY_MS;

/** What webhooks did not tell: deliveries that failed, heads without a run, what is gone; and what is over and can go. */
export function openSweeps(rooms: Rooms, onError: OnError): readonly Sweeps[] {
  const { engine, evidence, checks, feed, github, inbox, installations, releases, runs, rules, starter } = rooms;
  const { access } = github;
  const missed = new MissedDeliveries({ access, inbox, clock: SYSTEM_CLOCK, onError });
  const ask = async (): Promise<boolean> => {
    await missed.sweep();
    return missed.isMore;
  };
  const open = new OpenRuns({ access, engine, runs, onError });
  const heads = new MissedHeads({ access, starter, runs, clock: SYSTEM_CLOCK, onError });
  const states = new InstallationStates({ access, engine, runs, installations, clock: SYSTEM_CLOCK });
  const abandoned = new AbandonedRequests({ access, engine, runs, rules, onError });
  const tell = openReleaseTeller({ board: releases, checks, evidence, onError });
  const pages = new ReleaseWatch({ releases, runs, feed, tell, clock: SYSTEM_CLOCK, onError });
  const looks = [() => states.sweep(), () => open.sweep(), () => abandoned.sweep(), () => heads.sweep()];
  return [
    new Sweeps({ sweeps: [ask], everyMs: SWEEP_EVERY_MS, soonMs: MISSED_SOON_MS, onError }),
    new Sweeps({ sweeps: looks, everyMs: SWEEP_EVERY_MS, onError }),
    new Sweeps({ sweeps: [() => pages.sweep()], everyMs: PAGES_EVERY_MS, onError }),
    new Sweeps({ sweeps: [() => prune(rooms)], everyMs: PRUNE_EVERY_MS, onError }),
  ];
}

async function prune({ inbox, records, pruning }: Rooms): Promise<void> {
  const before = (keptMs: number): Date => new Date(SYSTEM_CLOCK.now() - keptMs);
  await inbox.prune(before(INBOX_KEPT_MS));
  await records.prune(before(INBOX_KEPT_MS));
  await pruning.prune({
    endedBefore: before(ENDED_KEPT_MS),
    pullHeadBefore: before(PULL_HEAD_KEPT_MS),
    requestBefore: before(INBOX_KEPT_MS),
  });
}
