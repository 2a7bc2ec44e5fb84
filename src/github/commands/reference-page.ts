import { answerTable } from './answer-table.ts';
import { COMMAND_ROWS, type CommandRow, usageOf } from './command-table.ts';

/** `docs/reference/slash-commands.md`, made from the table of commands. A test says that the committed page is current. */
export function slashCommandsPage(): string {
  const sections = [
    '# Slash commands',
    'Made from `src/github/commands/command-table.ts` by `node app/write-commands-reference.ts`. Do not edit.',
    [
      'People ask Maestro for things in comments on pull requests: in the conversation, on lines of the diff, and in reviews. A command is a line that begins with',
      '`/maestro`; a comment may hold ten. Maestro reacts with 👀 when it has read the comment (GitHub has no reactions for reviews), and answers all its commands in one',
      'comment. On a locked conversation, where GitHub takes neither, commands are done in silence.',
    ].join('\n'),
    '## What counts',
    [
      '- Lines that readers see as text of the author. Code blocks, inline code, quotes (also the lines that continue a quoted paragraph) and HTML comments are left out, in lists as well.',
      '- New comments. A comment that is edited later is not read again; write a new one. Comments of apps are not read at all.',
      '- Values with spaces are quoted: `key="a b"`. Characters that nobody sees are ignored, and a command that holds characters which reorder text is refused.',
      '- A comment is acted upon once, also when GitHub delivers it twice.',
      '- Of people below the triage role, ten comments an hour in a repository. More are not read: each costs calls that the installation shares.',
    ].join('\n'),
    '## Who may',
    [
      'GitHub is asked for the role of the author in the repository each time, and the person is recognised by id, not by login. Custom roles count as the role that they',
      'are based on. On public repositories everybody can read, so some commands need more there. The table shows what holds where the policy of the repository says nothing:',
      '`roles` and `actions` in `.maestro/policy.yaml` change who may, by permission, team or login (see [Policy](../guides/policy.md)).',
    ].join('\n'),
    answerTable(
      ['command', 'what it does', 'private repository', 'public repository'],
      COMMAND_ROWS.map((row) => [
        `\`${usageOf(row)}\``,
        row.summary,
        roleText(row.role),
        roleText(row.publicRole ?? row.role),
      ]),
    ),
    ...COMMAND_ROWS.filter(({ details }) => details.length > 0).flatMap(sectionsOf),
    '## Commands of pipelines',
    'A pipeline may declare a command of its own, started with `/maestro NAME key=value`. `permission` is the least role, `write` where it is absent.',
    '```yaml\non:\n  command:\n    name: deploy\n    permission: maintain\n```',
    'A fork’s pull request sees the commands of the base branch.',
    '## Buttons',
    [
      'Checks have buttons for the same deeds: *Re-run failed*, *Approve*, *Deny*, *Cancel*. They need what the commands need. GitHub’s own *Re-run* on a check repeats what failed, or, where',
      'all succeeded, everything; *Re-run all checks* repeats everything. A run is repeated once from its check: the new run brings a check of its own. *Approve* on the check of a',
      'fork’s commit that is held vouches for exactly that commit; where it is the head of several pull requests, write `/maestro ok-to-test` in the one that is meant. *Approve* on the',
      'check of a whole run lets it begin, and opens no gate of it.',
    ].join('\n'),
  ];
  return `${sections.join('\n\n')}\n`;
}

function sectionsOf(row: CommandRow): readonly string[] {
  return [`## \`${usageOf(row)}\``, ...row.details, `\`\`\`text\n${row.example}\n\`\`\``];
}

function roleText(role: CommandRow['role']): string {
  return role === 'none' ? 'everybody' : role;
}
