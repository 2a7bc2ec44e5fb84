import type { Dispatches } from '../../src/protocol/dispatch.ts';
import type { Installations } from '../../src/protocol/installation.ts';
import type { ReportBook } from '../../src/protocol/report-book.ts';

type Suspended = Pick<Installations, 'suspended'>;

/** Reports of installations that are suspended wait: GitHub would refuse them, and what is refused is given up. */
export function reportsOfTheOthers<Book extends ReportBook>(book: Book, { suspended }: Suspended): Book {
  return {
    ...book,
    claim: async (query) => {
      const { installations } = query;
      const left = await suspended();
      if ('only' in installations) return left.includes(installations.only) ? [] : book.claim(query);
      return book.claim({ ...query, installations: { except: [...installations.except, ...left] } });
    },
  };
}

/** Jobs of installations that are suspended wait as well. */
export function dispatchesOfTheOthers(dispatches: Dispatches, { suspended }: Suspended): Dispatches {
  return {
    ...dispatches,
    claimDue: async (limit, holdMs, except = []) =>
      dispatches.claimDue(limit, holdMs, [...except, ...(await suspended())]),
  };
}
