import process from 'node:process';
import { parseArgs } from 'node:util';
import { isMaestroError, MaestroError, messageOf } from '../src/base/errors.ts';
import { readAppManifest, registrationUrl } from './app-manifest.ts';
import { originOf } from './origin.ts';

const USAGE = `npm run --silent app:url -- --server URL [--org NAME] [--github URL]: the link that registers the App

  --server URL   where GitHub reaches Maestro: https://maestro.example.com
  --org NAME     the organisation that is to own the App (default: whoever opens the link)
  --github URL   a GitHub Enterprise Server (default: https://github.com)
`;
const EXIT_USAGE = 2;
/** Names of GitHub's accounts; those of enterprises may have an underscore. */
const ACCOUNT = /^[a-z\d][\w-]{0,99}$/i;
const OPTIONS = {
  server: { type: 'string' },
  org: { type: 'string' },
  github: { type: 'string', default: 'https://github.com' },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

try {
  process.stdout.write(answerTo(process.argv.slice(2)));
} catch (error) {
  if (!isMaestroError(error)) throw error;
  process.stderr.write(`error[${error.code}]: ${error.message}\n\n${USAGE}`);
  process.exitCode = EXIT_USAGE;
}

function answerTo(args: readonly string[]): string {
  const { server, org, github, help } = read(args);
  if (help) return USAGE;
  if (server === undefined) throw new MaestroError('USAGE', 'expected --server URL');
  if (org !== undefined && !ACCOUNT.test(org))
    throw new MaestroError('USAGE', 'expected --org to be the name of an organisation, as in its address');
  const place = {
    githubUrl: originOf('--github', github),
    organization: org,
    serverUrl: originOf('--server', server),
  };
  return `${registrationUrl(readAppManifest(), place)}\n`;
}

function read(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS }).values;
  } catch (cause) {
    throw new MaestroError('USAGE', messageOf(cause), { cause });
  }
}
