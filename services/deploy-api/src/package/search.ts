import { hooksOf } from '@l3af/bpf-object';
import { hookSchema, type PackageVersionView } from '@l3af/contracts';
import { z } from 'zod';

export const searchQuerySchema = z.object({
  text: z.string().optional().describe('Words, each found in the name, the description or a program'),
  hook: hookSchema.optional().describe('A program of it can run on this hook'),
  type: z.string().optional().describe('It has a program of this type: xdp, sched_cls, tracepoint, …'),
  signer: z
    .string()
    .min(4)
    .optional()
    .describe('Signed by this key or identity: its id, or the beginning of it'),
  license: z.string().optional().describe('Found in its licence'),
  kernel: z
    .string()
    .optional()
    .describe('Loaded on this kernel, as a trusted key has signed: 6.1 stands for every 6.1.x'),
});
export type SearchConditions = z.infer<typeof searchQuerySchema>;

/** Whether all conditions hold for a version. A yanked one is never found: nobody can deploy it. */
export function matches(version: PackageVersionView, conditions: SearchConditions): boolean {
  if (version.yanked !== null) return false;
  const asked = Object.entries(conditions).filter(([, value]) => value !== undefined);
  return asked.every(([name, value]) => holds[name as keyof SearchConditions](version, value as never));
}

type Conditions = { [C in keyof SearchConditions]-?: NonNullable<SearchConditions[C]> };

const has = (whole: string | null, part: string): boolean =>
  (whole ?? '').toLowerCase().includes(part.toLowerCase());

const holds: { [C in keyof Conditions]: (version: PackageVersionView, value: Conditions[C]) => boolean } = {
  text: ({ name, description, schema }, text) => {
    const texts = [name, description, ...(schema?.programs ?? []).map((program) => program.name)];
    const words = text.split(/\s+/).filter(Boolean);
    return words.every((word) => texts.some((one) => has(one, word)));
  },
  hook: ({ schema }, hook) => schema?.programs.some((program) => hooksOf(program).includes(hook)) ?? false,
  type: ({ schema }, type) => schema?.programs.some((program) => program.type === type) ?? false,
  signer: ({ signers }, signer) =>
    signers.some((keyId) => keyId.toLowerCase().startsWith(signer.toLowerCase())),
  license: ({ license }, text) => has(license, text),
  kernel: isLoadedOn,
};

function isLoadedOn({ verified }: PackageVersionView, kernel: string): boolean {
  return verified.some((one) => saysLoaded(one, kernel));
}

/** Whether a statement says that a kernel of this release, or of this series, loaded it. */
export function saysLoaded(said: { kernel: string; loaded: boolean }, kernel: string): boolean {
  const { kernel: release, loaded } = said;
  const isSuch = release === kernel || release.startsWith(`${kernel}.`) || release.startsWith(`${kernel}-`);
  return loaded && isSuch;
}
