/** Signs with one ECDSA P-256 key, wherever it is kept. */
export interface Signer {
  /** PEM, SPKI: what verifiers are given. */
  readonly publicKeyPem: string;
  /** Names the key in a bundle: base64 of the SHA-256 over its SPKI DER. */
  readonly keyHint: string;
  /** ECDSA over SHA-256 of the bytes, DER. */
  sign(bytes: Uint8Array): Promise<Uint8Array>;
}
