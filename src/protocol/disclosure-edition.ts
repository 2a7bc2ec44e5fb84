/**
 * How much of a run a disclosure pack shows. `full`: everything that its receipt speaks of. `public`: what may lie beside a release that
 * anybody reads; logs, and the data and questions of policy, stay with whoever runs that Maestro.
 */
export type DisclosureEdition = 'full' | 'public';
