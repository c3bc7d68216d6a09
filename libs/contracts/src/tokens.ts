const plain = /[A-Za-z0-9_-]/;

/**
 * Encodes a name (node, interface, package, …) as one token that is valid in a NATS subject and as a bpffs
 * file name: every byte but ASCII letters, digits, `_` and `-` becomes `%XX` (bpffs refuses dots, NATS splits on them).
 */
export function encodeToken(name: string): string {
  let token = '';
  for (const byte of Buffer.from(name, 'utf8')) {
    const char = String.fromCharCode(byte);
    token += plain.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return token;
}

/** The inverse of {@link encodeToken}. */
export function decodeToken(token: string): string {
  return decodeURIComponent(token);
}
