import type { Hook } from './names';
import { decodeToken, encodeToken } from './tokens';

/** Names one hook of one interface of one node: the unit that a chain is deployed on. */
export interface ChainKey {
  node: string;
  interface: string;
  hook: Hook;
}

const path = (key: ChainKey): string => `${encodeToken(key.node)}.${encodeToken(key.interface)}.${key.hook}`;

export const chainSubject = (key: ChainKey): string => `l3af.evt.chain.${path(key)}`;
export const reportSubject = (key: ChainKey): string => `l3af.evt.report.${path(key)}`;
export const nodeSubject = (node: string): string => `l3af.evt.node.${encodeToken(node)}`;
export const labelsSubject = (node: string): string => `l3af.evt.labels.${encodeToken(node)}`;
export const policySubject = (group: string): string => `l3af.evt.policy.${encodeToken(group)}`;
export const trustSubject = (group: string): string => `l3af.evt.trust.${encodeToken(group)}`;
export const deploymentSubject = (id: string): string => `l3af.evt.deployment.${encodeToken(id)}`;
export const buildRequestSubject = (id: string): string => `l3af.evt.build-request.${encodeToken(id)}`;
export const buildSubject = (id: string): string => `l3af.evt.build.${encodeToken(id)}`;
export const verifyRequestSubject = (name: string): string => `l3af.evt.verify-request.${encodeToken(name)}`;
export const packageSubject = (name: string): string => `l3af.evt.package.${encodeToken(name)}`;

/** What an executor subscribes to: stored chain events of its node, republished by the stream. */
export const liveChainSubjects = (node: string): string => `l3af.live.chain.${encodeToken(node)}.>`;
/** The heartbeat of a node, every 5 s; not stored. */
export const nodeStatusSubject = (node: string): string => `l3af.node.${encodeToken(node)}.status`;
export const anyNodeStatusSubject = 'l3af.node.*.status';
/** Live questions to a node's executor. */
export const nodeRpcSubject = (node: string, verb: string): string =>
  `l3af.rpc.node.${encodeToken(node)}.${verb}`;
/** Queries to config-store. */
export const configRpcSubject = (query: string): string => `l3af.rpc.config.${query}`;
/** Live progress of a build: lines as they come; not stored (the whole log is, at the end). */
export const buildProgressSubject = (id: string): string => `l3af.live.build.${encodeToken(id)}`;
export const anyBuildProgressSubject = 'l3af.live.build.*';

/** Reads the key back from a chain, report or live subject; undefined for any other subject. */
export function parseChainSubject(subject: string): ChainKey | undefined {
  const match =
    /^l3af\.(?:evt\.chain|evt\.report|live\.chain)\.([^.]+)\.([^.]+)\.(xdp|tc-ingress|tc-egress)$/.exec(
      subject,
    );
  if (!match) return undefined;
  return { node: decodeToken(match[1]!), interface: decodeToken(match[2]!), hook: match[3] as Hook };
}

export const chainKeyText = (key: ChainKey): string => `${key.node}/${key.interface}/${key.hook}`;
