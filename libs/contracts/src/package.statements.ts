import { z } from 'zod';
import { wireErrorSchema } from './errors';
import { verifiedProgramSchema, verifiedTestsSchema } from './package.events';

/** Type of the signed in-toto statement that says how a kernel took a package's object. */
export const verifiedPredicate = 'urn:l3af:verified:v1';

/** What a kernel said of an object: really loaded, alone and behind the chain glue, with its packet tests run. */
export const verifiedStatementSchema = z.object({
  kernel: z.string(),
  /** GOARCH name of the machine. */
  architecture: z.string(),
  /** Of the object that was loaded. */
  objectDigest: z.string(),
  loaded: z.boolean(),
  error: wireErrorSchema.optional(),
  programs: z.array(verifiedProgramSchema.required({ hook: true })),
  tests: verifiedTestsSchema,
});
export type VerifiedStatement = z.infer<typeof verifiedStatementSchema>;

/** A statement with whose it is: `signer` is the trusted key that signed it, null when none did, and then it counts for nothing. */
export const statedVerificationSchema = verifiedStatementSchema.extend({
  signer: z.object({ keyId: z.string(), name: z.string() }).nullable(),
});
export type StatedVerification = z.infer<typeof statedVerificationSchema>;

/** Artifact types of what is attached to a package beside signatures and statements. */
export const attachmentTypes = {
  /** The object for another CPU level; annotations `io.l3af.architecture` and `io.l3af.cpu` say which. */
  object: 'application/vnd.l3af.object.v1+elf',
  readme: 'application/vnd.l3af.readme.v1+markdown',
  /** One file of packet tests; annotation `org.opencontainers.image.title` is its name. */
  tests: 'application/vnd.l3af.packet-tests.v1+yaml',
  sbom: 'application/spdx+json',
  /** A {@link staticReportSchema} of the object. */
  report: 'application/vnd.l3af.static-report.v1+json',
} as const;

const sinceSchema = z.array(z.object({ name: z.string(), kernel: z.string() }));

/** What an object asks of a kernel, read from its instructions: each thing with the first mainline release that has it. */
export const staticReportSchema = z.object({
  helpers: sinceSchema,
  /** Map types. */
  maps: sinceSchema,
  /** Program types. */
  programs: sinceSchema,
  /** Instructions and features beyond the first BPF: `jmp32`, `atomics`, `kfuncs`, … */
  features: sinceSchema,
  /** The first mainline release that has all of it; never below 5.10, the oldest that L3AF runs on. */
  kernel: z.string(),
  /** Instructions by section. */
  instructions: z.record(z.string(), z.number().int()),
  byteOrder: z.enum(['little', 'big']),
  /** Without BTF, maps and constants have sizes but no types. */
  hasBtf: z.boolean(),
});
export type StaticReport = z.infer<typeof staticReportSchema>;

/** A userspace program of the package; annotations say its name, architecture and language. */
export const userspaceType = 'application/vnd.l3af.userspace.v1+elf';

export const provenancePredicate = 'https://slsa.dev/provenance/v1';
