import {
  buildAcceptedSchema,
  buildViewSchema,
  nodeLabelledSchema,
  nodeViewSchema,
  packageDetailsSchema,
  packageViewSchema,
  policyChangedSchema,
  statusViewSchema,
  trustChangedSchema,
  verificationAcceptedSchema,
  yankedSchema,
} from '@l3af/contracts';
import { z } from 'zod';
import { archiveQuerySchema, gitBuildSchema, objectQuerySchema } from '../build/upload';
import { eventQuerySchema } from '../event/event.controller';
import { minSequenceSchema } from '../http/fresh';
import { storedSchema } from '../node/fleet.handler';
import { labelsBodySchema, policyBodySchema, trustBodySchema } from '../node/node.controller';
import { searchQuerySchema } from '../package/search';
import { verifyBodySchema, yankBodySchema } from '../package/package.controller';
import type { Operation } from './operation';

const statusText = z.object({ status: z.string() });
const events = 'text/event-stream';
const text = 'text/plain';

const nodes: Operation[] = [
  { method: 'get', path: '/v1/nodes', summary: 'The nodes', tag: 'nodes', answer: nodeViewSchema.array() },
  {
    method: 'get',
    path: '/v1/nodes/{node}',
    summary: 'One node',
    tag: 'nodes',
    query: minSequenceSchema,
    answer: nodeViewSchema,
    errors: ['unknown-node'],
  },
  {
    method: 'get',
    path: '/v1/nodes/{node}/labels',
    summary: 'The labels that were given to a node, without those of its own configuration',
    description: 'The ETag is the sequence at which it was set, for `If-Match`; "0" stands for none yet.',
    tag: 'nodes',
    answer: nodeLabelledSchema.shape.data,
    errors: ['unknown-node'],
  },
  {
    method: 'put',
    path: '/v1/nodes/{node}/labels',
    summary: 'Set the labels of a node, whole',
    description: 'With `If-Match` only where nobody has set it since, else `conflict`.',
    tag: 'nodes',
    body: { schema: labelsBodySchema },
    answer: storedSchema,
    status: 202,
    errors: ['unknown-node', 'conflict'],
  },
  {
    method: 'get',
    path: '/v1/policies/{group}',
    summary: 'The policy of a group of nodes',
    description: 'The ETag is the sequence at which it was set, for `If-Match`; "0" stands for none yet.',
    tag: 'nodes',
    answer: policyChangedSchema.shape.data,
    errors: ['unknown-object'],
  },
  {
    method: 'put',
    path: '/v1/policies/{group}',
    summary: "Set the policy of a group of nodes; the group default is every node's",
    description: 'With `If-Match` only where nobody has set it since, else `conflict`.',
    tag: 'nodes',
    body: { schema: policyBodySchema },
    answer: storedSchema,
    status: 202,
    errors: ['conflict'],
  },
  {
    method: 'get',
    path: '/v1/trust/{group}',
    summary: 'The signers that a group of nodes trusts',
    description: 'The ETag is the sequence at which it was set, for `If-Match`; "0" stands for none yet.',
    tag: 'nodes',
    answer: trustChangedSchema.shape.data,
    errors: ['unknown-object'],
  },
  {
    method: 'put',
    path: '/v1/trust/{group}',
    summary: 'Set the signers that a group of nodes trusts, whole',
    description: 'With `If-Match` only where nobody has set it since, else `conflict`.',
    tag: 'nodes',
    body: { schema: trustBodySchema },
    answer: storedSchema,
    status: 202,
    errors: ['conflict'],
  },
];

const packages: Operation[] = [
  {
    method: 'get',
    path: '/v1/packages',
    summary: 'The published packages, or those that a search finds',
    description:
      'With any of the parameters: the packages that have versions for which all of them hold, with those versions; yanked ones are left out.',
    tag: 'packages',
    query: searchQuerySchema,
    answer: packageViewSchema.array(),
  },
  {
    method: 'get',
    path: '/v1/packages/{name}',
    summary: 'One package with its versions, newest first',
    description: 'Slashes in the name are percent-encoded.',
    tag: 'packages',
    query: minSequenceSchema,
    answer: packageViewSchema,
    errors: ['unknown-package'],
  },
  {
    method: 'get',
    path: '/v1/packages/{name}/versions/{version}',
    summary: 'All that is known of one version: its image, what is attached to it, and which chains run it',
    description: 'The version may be a digest. Answers without what the registry has when that is away.',
    tag: 'packages',
    answer: packageDetailsSchema,
    errors: ['unknown-package', 'unknown-version'],
  },
  {
    method: 'post',
    path: '/v1/packages/{name}/versions/{version}/yank',
    summary: 'Refuse new deployments of a version from now on',
    description: 'Chains that run it go on; the answer lists them. Takes the headers of changes.',
    tag: 'packages',
    body: { schema: yankBodySchema },
    answer: yankedSchema,
    status: 202,
    errors: ['unknown-package', 'unknown-version', 'registry-unavailable'],
  },
  {
    method: 'post',
    path: '/v1/packages/{name}/versions/{version}/verify',
    summary: 'Have builders ask their kernels about a version, whoever made it',
    description:
      'What each kernel says is attached to the version. A kernel that has answered does not answer again. Takes the headers of changes.',
    tag: 'packages',
    body: { schema: verifyBodySchema },
    answer: verificationAcceptedSchema,
    status: 202,
    errors: ['unknown-package', 'unknown-version'],
  },
  {
    method: 'post',
    path: '/v1/packages',
    summary: 'Publish a compiled object',
    description: 'A build that has nothing to compile: follow it like any other.',
    tag: 'packages',
    query: objectQuerySchema,
    body: { other: { 'application/octet-stream': 'An ELF object, 16 MiB at most' } },
    answer: buildAcceptedSchema,
    status: 202,
    errors: ['invalid-object', 'payload-too-large'],
  },
];

const builds: Operation[] = [
  {
    method: 'get',
    path: '/v1/builds',
    summary: 'The builds, newest first',
    tag: 'builds',
    answer: buildViewSchema.array(),
  },
  {
    method: 'post',
    path: '/v1/builds',
    summary: 'Build a git repository, or a folder sent as tar.gz',
    tag: 'builds',
    query: archiveQuerySchema,
    body: { schema: gitBuildSchema, other: { 'application/gzip': 'A tar.gz of a folder, 64 MiB at most' } },
    answer: buildAcceptedSchema,
    status: 202,
    errors: ['payload-too-large'],
  },
  {
    method: 'get',
    path: '/v1/builds/{id}',
    summary: 'One build',
    tag: 'builds',
    query: minSequenceSchema,
    answer: buildViewSchema,
    errors: ['unknown-build'],
  },
  {
    method: 'delete',
    path: '/v1/builds/{id}',
    summary: 'Cancel a build that is not over',
    tag: 'builds',
    answer: buildAcceptedSchema,
    status: 202,
    errors: ['unknown-build', 'conflict'],
  },
  {
    method: 'get',
    path: '/v1/builds/{id}/watch',
    summary: 'Follow a build: its events, and its progress line by line',
    tag: 'builds',
    answer: events,
    errors: ['unknown-build'],
  },
  {
    method: 'get',
    path: '/v1/builds/{id}/log',
    summary: 'The whole log of a build that is over',
    tag: 'builds',
    answer: text,
    errors: ['unknown-build', 'unknown-object'],
  },
  {
    method: 'get',
    path: '/v1/logs/{digest}',
    summary: 'A log by its digest: of the verifier, of a build',
    tag: 'builds',
    answer: text,
    errors: ['unknown-object'],
  },
];

const others: Operation[] = [
  {
    method: 'get',
    path: '/v1/events',
    summary: 'The event stream',
    description:
      'Server-sent events: `id` is the sequence, `event` the type, `data` is `{sequence, subject, envelope}`. Continues after `Last-Event-ID`.',
    tag: 'events',
    query: eventQuerySchema,
    answer: events,
  },
  {
    method: 'get',
    path: '/v1/status',
    summary: 'How the control plane is; answers whatever is away',
    tag: 'health',
    answer: statusViewSchema,
  },
  { method: 'get', path: '/livez', summary: 'The process runs', tag: 'health', answer: statusText },
  {
    method: 'get',
    path: '/readyz',
    summary: 'The service can serve; 503 with the reasons when it cannot',
    tag: 'health',
    answer: statusText,
  },
];

export const otherOperations: Operation[] = [...nodes, ...packages, ...builds, ...others];
