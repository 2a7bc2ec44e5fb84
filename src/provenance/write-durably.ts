import { open } from 'node:fs/promises';

/** A new file, on the disk when it returns. Fails where the name is taken. */
export async function writeDurably(path: string, text: string, mode: number): Promise<void> {
  await using file = await open(path, 'wx', mode);
  await file.writeFile(text);
  await file.sync();
}
