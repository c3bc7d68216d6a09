import {
  acceptedSchema,
  chainDocumentSchema,
  chainHistoryEntrySchema,
  chainViewSchema,
  explanationSchema,
  nodeRpc,
} from '@l3af/contracts';
import {
  adjustBodySchema,
  changeQuerySchema,
  explainBodySchema,
  insertBodySchema,
  listQuerySchema,
  mapQuerySchema,
  moveBodySchema,
} from '../chain/chain.controller';
import { watchQuerySchema } from '../event/event.controller';
import type { Operation } from './operation';

const chain = '/v1/nodes/{node}/chains/{interface}/{hook}';
const change = {
  tag: 'chains',
  query: changeQuerySchema,
  answer: acceptedSchema,
  status: 202,
  change: true,
} as const;
const kfErrors = [
  'unknown-package',
  'unknown-version',
  'package-yanked',
  'unknown-program',
  'ambiguous-program',
  'wrong-program-type',
  'invalid-config',
  'duplicate-instance',
  'chain-too-long',
  'unknown-node',
  'unknown-interface',
  'conflict',
];
const instanceErrors = ['unknown-chain', 'unknown-instance', 'conflict'];

export const chainOperations: Operation[] = [
  {
    method: 'get',
    path: '/v1/nodes/{node}/chains',
    summary: 'The chains of a node',
    tag: 'chains',
    query: listQuerySchema,
    answer: chainViewSchema.array(),
    errors: ['unknown-node'],
  },
  {
    method: 'get',
    path: chain,
    summary: 'One chain: desired, and as the node reports it with live counters',
    description: 'The ETag is the revision, for `If-Match`.',
    tag: 'chains',
    answer: chainViewSchema,
    errors: ['unknown-node', 'unknown-chain'],
  },
  {
    ...change,
    method: 'put',
    path: chain,
    summary: 'Make the chain what the document says',
    description:
      "The document is the whole truth for its node, interface and hook. When the chain is so already, nothing is stored. Somebody else's change at the same moment is a `conflict`.",
    body: { schema: chainDocumentSchema },
    errors: ['invalid-document', ...kfErrors],
  },
  {
    ...change,
    method: 'delete',
    path: chain,
    summary: 'Detach the chain from its hook',
    errors: ['unknown-chain', 'conflict'],
  },
  {
    ...change,
    method: 'post',
    path: `${chain}/clear`,
    summary: 'Take all KFs out; the link stays with a pass program',
    errors: ['unknown-chain', 'conflict'],
  },
  {
    method: 'get',
    path: `${chain}/history`,
    summary: 'Every revision with who asked, why, and what became of it',
    tag: 'chains',
    answer: chainHistoryEntrySchema.array(),
    errors: ['unknown-node', 'unknown-chain'],
  },
  {
    method: 'get',
    path: `${chain}/watch`,
    summary: "Follow the node's reports until it has settled a revision",
    description: 'Server-sent events; the stream ends with the report of the revision or of a later one.',
    tag: 'chains',
    query: watchQuerySchema,
    answer: 'text/event-stream',
    errors: ['unknown-chain'],
  },
  {
    ...change,
    method: 'post',
    path: `${chain}/kfs`,
    summary: 'Insert a KF',
    body: { schema: insertBodySchema },
    errors: ['position-out-of-range', ...kfErrors],
  },
  {
    ...change,
    method: 'patch',
    path: `${chain}/kfs/{instance}`,
    summary: 'Switch a KF on or off, or change its configuration',
    body: { schema: adjustBodySchema },
    errors: ['invalid-config', ...instanceErrors],
  },
  {
    ...change,
    method: 'delete',
    path: `${chain}/kfs/{instance}`,
    summary: 'Remove a KF',
    errors: instanceErrors,
  },
  {
    ...change,
    method: 'post',
    path: `${chain}/kfs/{instance}/move`,
    summary: 'Move a KF to another position',
    body: { schema: moveBodySchema },
    errors: ['position-out-of-range', ...instanceErrors],
  },
  {
    method: 'get',
    path: `${chain}/kfs/{instance}/maps/{map}`,
    summary: "The entries of a KF's map, from the kernel, now",
    tag: 'chains',
    query: mapQuerySchema,
    answer: nodeRpc['map-dump'].reply,
    errors: ['node-silent', 'unknown-chain', 'unknown-instance'],
  },
  {
    method: 'post',
    path: `${chain}/explain`,
    summary: 'What the live chain does to one packet, KF by KF',
    description:
      'The packet runs through a shadow of the live chain with copies of its maps: nothing that runs is changed, nothing is sent.',
    tag: 'chains',
    body: { schema: explainBodySchema },
    answer: explanationSchema,
    errors: ['node-silent', 'unknown-chain'],
  },
];
