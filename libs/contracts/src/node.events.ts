import { z } from 'zod';

export const nodeInterfaceSchema = z.object({
  name: z.string(),
  ifindex: z.number().int(),
  mtu: z.number().int(),
  mac: z.string(),
  up: z.boolean(),
  kind: z.string().optional(),
});
export type NodeInterface = z.infer<typeof nodeInterfaceSchema>;

const nodeFacts = z.object({
  node: z.string(),
  labels: z.record(z.string(), z.string()),
  kernel: z.string(),
  architecture: z.string(),
  interfaces: z.array(nodeInterfaceSchema),
  /** Probed kernel features by name. */
  features: z.record(z.string(), z.boolean()),
  executor: z.object({ version: z.string(), instance: z.string() }),
});
export type NodeFacts = z.infer<typeof nodeFacts>;

export const nodeRegisteredSchema = z.object({
  type: z.literal('NodeRegistered'),
  version: z.literal(1),
  data: nodeFacts,
});
/** The same facts, whole, after something about the node changed. */
export const nodeChangedSchema = z.object({
  type: z.literal('NodeChanged'),
  version: z.literal(1),
  data: nodeFacts,
});
export const nodeEventSchema = z.discriminatedUnion('type', [nodeRegisteredSchema, nodeChangedSchema]);
export type NodeEvent = z.infer<typeof nodeEventSchema>;

/** The heartbeat: volatile, every 5 s, never stored in the stream. */
export const nodeStatusSchema = z.object({
  node: z.string(),
  at: z.iso.datetime(),
  startedAt: z.iso.datetime(),
  rssBytes: z.number(),
  chains: z.array(
    z.object({
      interface: z.string(),
      hook: z.string(),
      revision: z.number(),
      state: z.string(),
      packets: z.number(),
    }),
  ),
});
export type NodeStatus = z.infer<typeof nodeStatusSchema>;

export const nodeLabelledSchema = z.object({
  type: z.literal('NodeLabelled'),
  version: z.literal(1),
  data: z.object({ node: z.string(), labels: z.record(z.string(), z.string()) }),
});
export type NodeLabelled = z.infer<typeof nodeLabelledSchema>;

/** What a node of the group does about drift, probation and revoked keys. The group `default` is every node's. */
export const policyChangedSchema = z.object({
  type: z.literal('PolicyChanged'),
  version: z.literal(1),
  data: z.object({
    group: z.string(),
    onDrift: z.enum(['repair', 'leave']),
    onRevokedKey: z.enum(['report', 'evict']),
    probationSeconds: z.number().int().nonnegative(),
    /** Before a version goes where its kernel was never asked about it: a warning, or asking first and waiting for the answer. */
    onUnverified: z.enum(['warn', 'verify']).optional(),
  }),
});
export type PolicyChanged = z.infer<typeof policyChangedSchema>;

/** The signers that nodes of the group trust, whole. The group `default` is every node's. */
export const trustedSignerSchema = z.object({
  name: z.string(),
  /** SPKI PEM; ECDSA P-256 or ed25519. */
  publicKey: z.string(),
  /** Package name patterns (`*` stands for anything); default: all. */
  packages: z.array(z.string()),
});
export type TrustedSigner = z.infer<typeof trustedSignerSchema>;
/** Somebody who signs with certificates that live for minutes ("keyless"), and who must have said who it is. */
export const trustedIdentitySchema = z.object({
  name: z.string(),
  /** The certificate's subject alternative name, an email address or URI; `*` stands for anything. */
  identity: z.string().min(1),
  /** The OIDC issuer that vouched for it; `*` stands for anything. */
  issuer: z.string().min(1),
  /** Which of the trusted roots must have issued and logged it. */
  root: z.string(),
  /** As for {@link trustedSignerSchema}. */
  packages: z.array(z.string()),
});
export type TrustedIdentity = z.infer<typeof trustedIdentitySchema>;
/** Certificate authorities and logs by name: a sigstore `trusted_root.json`. */
export const trustedRootSchema = z.object({ name: z.string(), root: z.record(z.string(), z.unknown()) });
export type TrustedRoot = z.infer<typeof trustedRootSchema>;
export const trustChangedSchema = z.object({
  type: z.literal('TrustChanged'),
  version: z.literal(1),
  data: z.object({
    group: z.string(),
    signers: z.array(trustedSignerSchema),
    /** Ids of keys, and identities, that count no more whoever names them. */
    revoked: z.array(z.string()),
    identities: z.array(trustedIdentitySchema).optional(),
    trustedRoots: z.array(trustedRootSchema).optional(),
  }),
});
export type TrustChanged = z.infer<typeof trustChangedSchema>;
