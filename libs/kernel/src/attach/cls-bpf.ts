import { structure } from '../sys/attributes';
import { failedWith, KernelCallError } from '../sys/errors';
import { inNetns } from '../sys/netns';
import { operationDone } from '../sys/operations';
import {
  attributeNumber,
  attributeText,
  decodeAttributes,
  messageFlag,
  messageType,
  nestedAttribute,
  numberAttribute,
  textAttribute,
  type Message,
} from '../net/message';
import { withRouteSocket } from '../net/socket';
import type { HookTarget } from '../types';

const headBytes = 20;
const clsactParent = 0xffff_fff1;
const clsactHandle = 0xffff_0000;
const parents = { 'tc-ingress': 0xffff_fff2, 'tc-egress': 0xffff_fff3, xdp: 0 } as const;
const attribute = { kind: 1, options: 2, chain: 11 } as const;
const bpfAttribute = { fd: 6, name: 7, flags: 8, tag: 10, id: 11 } as const;
const directAction = 1;
const allProtocols = 0x0300; // htons(ETH_P_ALL)

/** A cls_bpf filter, with all that names it: the kernel chose priority and handle. */
export interface BpfFilter {
  ifindex: number;
  parent: number;
  priority: number;
  protocol: number;
  handle: number;
  chain: number;
  programId: number;
  name: string;
}

function head(target: HookTarget, { handle = 0, parent = 0, info = 0 }): Buffer {
  return structure(headBytes, [
    { at: 4, u32: target.ifindex },
    { at: 8, u32: handle },
    { at: 12, u32: parent },
    { at: 16, u32: info },
  ]);
}

function call(target: HookTarget, name: string, message: Omit<Message, 'sequence'>): Message[] {
  return inNetns(target.netns, () => withRouteSocket((socket) => socket.request(name, message)));
}

/** Parses one RTM_NEWTFILTER; undefined for other classifiers and for headers without a filter. Pure. */
export function parseFilter({ body }: Message): BpfFilter | undefined {
  if (body.length < headBytes) return undefined;
  const attributes = decodeAttributes(body.subarray(headBytes));
  const options = attributes.get(attribute.options);
  if (attributeText(attributes.get(attribute.kind)) !== 'bpf' || options === undefined) return undefined;
  const inner = decodeAttributes(options);
  const info = body.readUInt32LE(16);
  const handle = body.readUInt32LE(8);
  if (handle === 0) return undefined;
  return {
    ifindex: body.readInt32LE(4),
    parent: body.readUInt32LE(12),
    priority: info >>> 16,
    protocol: info & 0xffff,
    handle,
    chain: attributeNumber(attributes.get(attribute.chain)) ?? 0,
    programId: attributeNumber(inner.get(bpfAttribute.id)) ?? 0,
    name: attributeText(inner.get(bpfAttribute.name)),
  };
}

/** Every cls_bpf filter on the hook, in the order in which they run. */
export function listFilters(target: HookTarget): BpfFilter[] {
  try {
    const answers = call(target, 'RTM_GETTFILTER', {
      type: messageType.getFilter,
      flags: messageFlag.dump,
      body: head(target, { parent: parents[target.hook] }),
    });
    return answers.flatMap((answer) => parseFilter(answer) ?? []);
  } catch (error) {
    if (failedWith(error, 'EINVAL', 'ENODEV', 'ENOENT')) return []; // no clsact, or no interface
    throw error;
  }
}

/** The filter that runs one of our programs. Its own program is the only sure sign that a filter is ours. */
export function ourFilter(target: HookTarget, programIds: ReadonlySet<number>): BpfFilter | undefined {
  return listFilters(target).find(({ programId }) => programIds.has(programId));
}

function ensureClsact(target: HookTarget): void {
  try {
    call(target, 'RTM_NEWQDISC', {
      type: messageType.newQdisc,
      flags: messageFlag.create | messageFlag.exclusive,
      body: Buffer.concat([
        head(target, { handle: clsactHandle, parent: clsactParent }),
        textAttribute(attribute.kind, 'clsact'),
      ]),
    });
    operationDone('qdisc clsact');
  } catch (error) {
    if (!failedWith(error, 'EEXIST')) throw error;
  }
}

/**
 * Attaches or replaces. With `before` the program of exactly that filter is replaced, atomically; without, the kernel
 * chooses priority and handle, so that no two agents ever agree on them by chance, and echoes them.
 */
export function putFilter(target: HookTarget, programFd: number, before: BpfFilter | undefined): BpfFilter {
  if (before === undefined) ensureClsact(target);
  const info = before === undefined ? allProtocols : ((before.priority << 16) | before.protocol) >>> 0;
  const body = Buffer.concat([
    head(target, { handle: before?.handle ?? 0, parent: parents[target.hook], info }),
    textAttribute(attribute.kind, 'bpf'),
    ...(before !== undefined && before.chain !== 0 ? [numberAttribute(attribute.chain, before.chain)] : []),
    nestedAttribute(
      attribute.options,
      numberAttribute(bpfAttribute.fd, programFd),
      textAttribute(bpfAttribute.name, 'l3af'),
      numberAttribute(bpfAttribute.flags, directAction),
    ),
  ]);
  const mode = before === undefined ? messageFlag.create | messageFlag.exclusive : 0;
  const answers = call(target, 'RTM_NEWTFILTER', {
    type: messageType.newFilter,
    flags: mode | messageFlag.echo,
    body,
  });
  operationDone('filter put');
  const echoed = answers.flatMap((answer) => parseFilter(answer) ?? [])[0];
  if (echoed === undefined) throw new KernelCallError('RTM_NEWTFILTER', 71, 'the kernel echoed no filter');
  return echoed;
}

/** Deletes exactly this filter, by its handle. */
export function deleteFilter(target: HookTarget, filter: BpfFilter): void {
  const info = ((filter.priority << 16) | filter.protocol) >>> 0;
  try {
    call(target, 'RTM_DELTFILTER', {
      type: messageType.deleteFilter,
      flags: 0,
      body: Buffer.concat([
        head(target, { handle: filter.handle, parent: filter.parent, info }),
        textAttribute(attribute.kind, 'bpf'),
        ...(filter.chain !== 0 ? [numberAttribute(attribute.chain, filter.chain)] : []),
      ]),
    });
    operationDone('filter delete');
  } catch (error) {
    if (!failedWith(error, 'ENOENT', 'ENODEV', 'EINVAL')) throw error;
  }
}
