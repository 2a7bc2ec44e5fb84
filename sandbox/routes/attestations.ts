import { invalid, notFound } from '../api-error.ts';
import { type Call, listed, type Reply, type Routes } from '../call.ts';
import type { Fields } from '../shape.ts';

export const ATTESTATIONS: Routes = {
  'repos/create-attestation': createAttestation,
  'repos/list-attestations': (call) => {
    const wanted = call.repository.attestations.filter(({ subjects }) =>
      subjects.includes(call.param('subject_digest')),
    );
    if (wanted.length === 0) throw notFound();
    const view = ({ bundle, initiator }: (typeof wanted)[number]): Fields => ({
      bundle,
      repository_id: call.repository.id,
      bundle_url: `${call.world.origin}/_services/bundles/${call.repository.id}`,
      initiator: initiator.type === 'User' ? 'user' : 'app',
    });
    const { body, ...reply } = listed(call, wanted, view);
    return { ...reply, body: { attestations: body } };
  },
};

/** GitHub verifies the certificate; here it is enough that there is one, since a bundle signed with a plain key is refused there too. */
function createAttestation(call: Call): Reply {
  const { world, repository, actor } = call;
  const bundle = call.body['bundle'] as Fields;
  const material = fieldsOf(bundle['verificationMaterial']);
  if (material['certificate'] === undefined && material['x509CertificateChain'] === undefined)
    throw invalid('Invalid bundle: no signing certificate');
  const subjects = subjectsOf(bundle);
  if (subjects.length === 0) throw invalid('Invalid bundle: no subject');
  const id = world.nextId();
  repository.attestations.push({ id, bundle, subjects, initiator: actor });
  return { status: 201, body: { id } };
}

function subjectsOf(bundle: Fields): readonly string[] {
  try {
    const { payload } = fieldsOf(bundle['dsseEnvelope']) as { readonly payload: string };
    const { subject = [] } = JSON.parse(Buffer.from(payload, 'base64').toString('utf8')) as {
      readonly subject?: readonly { readonly digest?: { readonly sha256?: string } }[];
    };
    return subject.flatMap(({ digest }) => (digest?.sha256 === undefined ? [] : [`sha256:${digest.sha256}`]));
  } catch {
    throw invalid('Invalid bundle: its payload is no statement');
  }
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}
