import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** A working directory of a step, in a folder of its own. */
export class ProjectFolder {
  readonly root = realpathSync(mkdtempSync(join(tmpdir(), 'maestro-step-')));

  /** Files by path; `@` in front of the content makes a link to what follows. */
  write(files: Readonly<Record<string, string | Uint8Array>>): void {
    for (const [path, content] of Object.entries(files)) {
      const at = this.at(path);
      mkdirSync(dirname(at), { recursive: true });
      if (typeof content === 'string' && content.startsWith('@')) symlinkSync(content.slice(1), at);
      else writeFileSync(at, content);
    }
  }

  makeExecutable(path: string): void {
    chmodSync(this.at(path), 0o775);
  }

  at(path: string): string {
    return join(this.root, path);
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
