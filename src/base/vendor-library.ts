import { MaestroError } from './errors.ts';

/**
 * A library that only those install who use that vendor: together they are larger than all of Maestro.
 * @param purpose what it is for, as the error says it
 * @throws CONFIG_INVALID with the command that installs it
 */
export async function vendorLibrary<T>(packages: string, purpose: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new MaestroError(
      'CONFIG_INVALID',
      `expected ${packages} for ${purpose}: install it with \`npm install --no-save ${packages}\``,
    );
  }
}
