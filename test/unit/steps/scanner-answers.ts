/** Answers in the form of each scanner's own documentation, about the same weaknesses. Written for these tests, not recorded. */

const ID = 'GHSA-35jh-r3h4-6jhm';
const OTHER = 'GHSA-29mw-wpgm-hmr9';

export const OSV = {
  results: [
    {
      source: { path: 'package-lock.json', type: 'lockfile' },
      packages: [
        {
          package: { name: 'lodash', version: '4.17.20', ecosystem: 'npm' },
          vulnerabilities: [
            {
              id: ID,
              aliases: ['CVE-2021-23337'],
              summary: 'Command Injection in lodash',
              database_specific: { severity: 'HIGH' },
              affected: [{ ranges: [{ type: 'SEMVER', events: [{ introduced: '0' }, { fixed: '4.17.21' }] }] }],
            },
            {
              id: OTHER,
              aliases: ['CVE-2020-28500'],
              summary: 'ReDoS in lodash',
              database_specific: { severity: 'MODERATE' },
            },
          ],
          groups: [
            { ids: [ID], aliases: ['CVE-2021-23337', ID], max_severity: '7.2' },
            { ids: [OTHER], aliases: ['CVE-2020-28500', OTHER], max_severity: '5.3' },
          ],
        },
      ],
    },
  ],
};

const artifact = {
  name: 'lodash',
  version: '4.17.20',
  type: 'npm',
  purl: 'pkg:npm/lodash@4.17.20',
  locations: [{ path: '/package-lock.json' }],
};

export const GRYPE = {
  matches: [
    {
      vulnerability: {
        id: ID,
        severity: 'High',
        description: 'Command Injection in lodash',
        fix: { versions: ['4.17.21'], state: 'fixed' },
      },
      relatedVulnerabilities: [{ id: 'CVE-2021-23337' }],
      artifact,
    },
    { vulnerability: { id: OTHER, severity: 'Medium' }, relatedVulnerabilities: [], artifact },
  ],
  descriptor: { name: 'grype', version: '0.104.0' },
};

export const TRIVY = {
  SchemaVersion: 2,
  ArtifactName: '.',
  Results: [
    {
      Target: 'package-lock.json',
      Class: 'lang-pkgs',
      Type: 'npm',
      Vulnerabilities: [
        {
          VulnerabilityID: ID,
          PkgName: 'lodash',
          PkgIdentifier: { PURL: 'pkg:npm/lodash@4.17.20' },
          InstalledVersion: '4.17.20',
          FixedVersion: '4.17.21',
          Severity: 'HIGH',
          Title: 'Command Injection in lodash',
        },
        {
          VulnerabilityID: OTHER,
          PkgName: 'lodash',
          PkgIdentifier: { PURL: 'pkg:npm/lodash@4.17.20' },
          InstalledVersion: '4.17.20',
          Severity: 'MEDIUM',
        },
      ],
    },
  ],
};

export const PIP_AUDIT = {
  dependencies: [
    {
      name: 'jinja2',
      version: '3.0.0',
      vulns: [{ id: 'GHSA-h5c8-rqwp-cp95', fix_versions: ['3.1.3'], aliases: ['CVE-2024-22195'], description: 'XSS' }],
    },
    { name: 'markupsafe', version: '2.0.1', vulns: [] },
  ],
  fixes: [],
};
