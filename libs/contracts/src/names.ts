import { z } from 'zod';

/** The hooks a chain can be deployed on. */
export const hooks = ['xdp', 'tc-ingress', 'tc-egress'] as const;
export const hookSchema = z.enum(hooks);
export type Hook = z.infer<typeof hookSchema>;

export const nodeNameSchema = z
  .string()
  .regex(
    /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/,
    'must be 1 to 63 letters, digits, dots, dashes or underscores',
  );

/** Linux: at most 15 bytes, no slash, no white space. */
export const interfaceNameSchema = z
  .string()
  .regex(/^[^\s/]{1,15}$/, 'must be 1 to 15 characters without slash or white space')
  .refine((name) => name !== '.' && name !== '..', 'must not be . or ..');

/** An OCI repository name: lower case, path components separated by slashes. */
export const packageNameSchema = z
  .string()
  .max(200)
  .regex(
    /^[a-z0-9]+([._-]+[a-z0-9]+)*(\/[a-z0-9]+([._-]+[a-z0-9]+)*)*$/,
    'must be a lower-case repository name',
  );

/** An OCI tag. */
export const versionSchema = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/, 'must be a valid OCI tag');

export const digestSchema = z
  .string()
  .regex(/^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/, 'must be sha256:… or sha512:…');

/** The name of a KF in its chain. */
export const instanceNameSchema = z
  .string()
  .regex(
    /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/,
    'must be 1 to 63 letters, digits, dots, dashes or underscores',
  );

export interface PackageReference {
  name: string;
  version?: string;
  digest?: string;
}

/** Parses `name`, `name@version` or `name@sha256:…`; undefined when it is none of them. */
export function parsePackageReference(text: string): PackageReference | undefined {
  const at = text.indexOf('@');
  const name = at < 0 ? text : text.slice(0, at);
  if (!packageNameSchema.safeParse(name).success) return undefined;
  if (at < 0) return { name };
  const rest = text.slice(at + 1);
  if (digestSchema.safeParse(rest).success) return { name, digest: rest };
  return versionSchema.safeParse(rest).success ? { name, version: rest } : undefined;
}

/** Verdict names by hook, as people write them, with the kernel's numbers. */
export const xdpVerdicts = { ABORTED: 0, DROP: 1, PASS: 2, TX: 3, REDIRECT: 4 } as const;
export const tcVerdicts = {
  UNSPEC: -1,
  OK: 0,
  RECLASSIFY: 1,
  SHOT: 2,
  PIPE: 3,
  STOLEN: 4,
  QUEUED: 5,
  REPEAT: 6,
  REDIRECT: 7,
  TRAP: 8,
} as const;

export function verdictsOf(hook: Hook): Record<string, number> {
  return hook === 'xdp' ? xdpVerdicts : tcVerdicts;
}

/** bpfman's defaults: XDP goes on after PASS; TC after OK, PIPE and UNSPEC. */
export function defaultProceedOn(hook: Hook): string[] {
  return hook === 'xdp' ? ['PASS'] : ['OK', 'PIPE', 'UNSPEC'];
}
