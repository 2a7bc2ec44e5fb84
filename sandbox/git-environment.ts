/** Git without the settings, credentials and prompts of whoever runs the sandbox: its answers are the same everywhere. */
export function isolatedGitEnvironment(): Record<string, string> {
  return {
    // oxlint-disable-next-line node/no-process-env -- where git is, and nothing else of the host
    PATH: process.env['PATH'] ?? '/usr/bin:/bin',
    HOME: '/nonexistent',
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
    GIT_AUTHOR_NAME: 'GitHub',
    GIT_AUTHOR_EMAIL: 'noreply@github.test',
    GIT_COMMITTER_NAME: 'GitHub',
    GIT_COMMITTER_EMAIL: 'noreply@github.test',
  };
}
