/** Where `build.container` leaves its layout, and `registry.push` looks for it, where nothing is said. */
export const OUTPUT_DEFAULT = 'image';
