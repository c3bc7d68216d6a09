import { cannot, L3afError } from '@l3af/contracts';

/** What a KF may ask of the compiler: definitions, warnings, its own header folders, and choices of code generation. */
const safe: readonly RegExp[] = [
  /^-D[A-Za-z_][A-Za-z0-9_]*(=[^\0\n]*)?$/,
  /^-U[A-Za-z_][A-Za-z0-9_]*$/,
  /^-W(?![lap],)[A-Za-z0-9=+-]*$/,
  /^-w$/,
  /^-std=(c|gnu)[0-9a-z]+$/,
  /^-I[A-Za-z0-9_][A-Za-z0-9_./-]*$/,
  /^-I\.$/,
  /^-O[12s3]$/,
  /^-f(no-)?(unroll-loops|inline|inline-functions|builtin|strict-aliasing|common|short-enums|vectorize|slp-vectorize|wrapv|signed-char|unsigned-char)$/,
  /^-fno-builtin-[a-z0-9_]+$/,
  /^-ferror-limit=\d{1,3}$/,
];

/** The list in words. */
export const safeFlags = '-D -U -W -std -I<folder inside the source> -O1 -O2 -O3 -Os -f[no-]…';

/** Whether a flag can neither read files, load code, write elsewhere nor change what the builder decides. */
export function isSafeFlag(flag: string): boolean {
  const climbs = flag.startsWith('-I') && flag.slice(2).split('/').includes('..');
  return !climbs && safe.some((pattern) => pattern.test(flag));
}

/** Refuses flags that could read files, load code, write elsewhere or change what the builder decides. */
export function checkFlags(flags: readonly string[]): void {
  for (const flag of flags) {
    if (!isSafeFlag(flag)) {
      const state = `it is not on the list of safe flags (${safeFlags})`;
      throw new L3afError('invalid-manifest', cannot('use', 'compiler flag', flag, state), {
        details: { flag },
      });
    }
  }
}
