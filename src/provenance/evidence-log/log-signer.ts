/** Signs the checkpoints of one register with one Ed25519 key. */
export interface LogSigner {
  /** Names the register in its checkpoints and its key: a URL without a scheme, neither spaces nor `+`. */
  readonly origin: string;
  /** 8 hex digits. */
  readonly keyId: string;
  /** `origin+keyId+base64`: what verifiers are given. */
  readonly verifierKey: string;
  /** Ed25519 over the bytes, 64 bytes. Within a transaction: it must not wait for a network. */
  sign(bytes: Uint8Array): Promise<Uint8Array>;
}
