import { MaestroError } from '../../base/errors.ts';

/**
 * A library that only those install who keep their key with that vendor: together they are larger than all of Maestro.
 * @throws CONFIG_INVALID with the command that installs it
 */
export async function vendorLibrary<T>(packages: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new MaestroError(
      'CONFIG_INVALID',
      `expected ${packages} for a signing key of that kind: install it with \`npm install --no-save ${packages}\``,
    );
  }
}
