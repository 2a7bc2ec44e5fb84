/** Bytes of base64 in its one strict form (RFC 4648 section 4, padded, no stray bits); undefined for any other text. */
export function strictBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}
