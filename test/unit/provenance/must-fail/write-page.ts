import { writeFileSync } from 'node:fs';
import { PAGE_PATH, refusalsPage } from './page.ts';

/** Writes `docs/reference/what-verify-refuses.md` again after the tables changed. */
writeFileSync(PAGE_PATH, refusalsPage());
