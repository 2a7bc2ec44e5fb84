import process from 'node:process';
import { parseArgs } from 'node:util';
import { readAppManifest, registrationUrl } from './app-manifest.ts';

/** `npm run app:url -- --server https://maestro.example.com --org acme`: prints the link that registers the App. */
const { values } = parseArgs({
  options: {
    server: { type: 'string' },
    org: { type: 'string' },
    github: { type: 'string', default: 'https://github.com' },
  },
});

if (values.server === undefined || !URL.canParse(values.server)) {
  process.stderr.write(
    'expected --server URL, the address at which GitHub reaches Maestro\n' +
      '  for example: npm run app:url -- --server https://maestro.example.com --org acme [--github https://ghe.example.com]\n',
  );
  process.exitCode = 2;
} else {
  const serverUrl = new URL(values.server).origin;
  const githubUrl = new URL(values.github).origin;
  process.stdout.write(`${registrationUrl(readAppManifest(), { githubUrl, organization: values.org, serverUrl })}\n`);
}
