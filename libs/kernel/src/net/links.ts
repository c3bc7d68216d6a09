import { structure } from '../sys/attributes';
import { failedWith } from '../sys/errors';
import { inNetns } from '../sys/netns';
import { isLookingOnce, once } from '../sys/once';
import type { InterfaceInfo } from '../types';
import {
  attributeNumber,
  attributeText,
  decodeAttributes,
  messageFlag,
  messageType,
  type Message,
} from './message';
import { withRouteSocket } from './socket';

const attribute = { address: 1, name: 3, mtu: 4, linkInfo: 18, xdp: 43 } as const;
const infoKind = 1;
const headBytes = 16;
const flagUp = 1;

/** What runs on an interface's XDP hook. */
export interface XdpState {
  native?: number | undefined;
  generic?: number | undefined;
  offloaded?: number | undefined;
}

export interface ParsedLink {
  info: InterfaceInfo;
  xdp: XdpState;
}

/** Parses RTM_NEWLINK or RTM_DELLINK; undefined for what is no interface (bridge port notifications). Pure. */
export function parseLink({ body }: Message): ParsedLink | undefined {
  if (body.length < headBytes || body.readUInt8(0) !== 0) return undefined;
  const attributes = decodeAttributes(body.subarray(headBytes));
  const name = attributeText(attributes.get(attribute.name));
  if (name === '') return undefined;
  const linkInfo = attributes.get(attribute.linkInfo);
  const kind = linkInfo && attributeText(decodeAttributes(linkInfo).get(infoKind));
  const address = attributes.get(attribute.address);
  return {
    info: {
      name,
      ifindex: body.readInt32LE(4),
      mtu: attributeNumber(attributes.get(attribute.mtu)) ?? 0,
      mac: address ? [...address].map((byte) => byte.toString(16).padStart(2, '0')).join(':') : '',
      up: (body.readUInt32LE(8) & flagUp) !== 0,
      ...(kind && { kind }),
    },
    xdp: parseXdp(attributes.get(attribute.xdp)),
  };
}

function parseXdp(data: Buffer | undefined): XdpState {
  if (data === undefined) return {};
  const inner = decodeAttributes(data);
  const [attached, programId, native, generic, offloaded] = [2, 4, 5, 6, 7];
  const [isNative, isGeneric] = [1, 2];
  const mode = inner.get(attached)?.readUInt8(0);
  const only = attributeNumber(inner.get(programId));
  return {
    native: attributeNumber(inner.get(native)) ?? (mode === isNative ? only : undefined),
    generic: attributeNumber(inner.get(generic)) ?? (mode === isGeneric ? only : undefined),
    offloaded: attributeNumber(inner.get(offloaded)),
  };
}

/** Asks for no statistics (IFLA_EXT_MASK, 29), which are most of an answer. */
function linkRequest(ifindex: number): Buffer {
  const [extensionMask, skipStatistics, attributeBytes] = [29, 8, 8];
  return structure(headBytes + attributeBytes, [
    { at: 4, u32: ifindex },
    { at: headBytes, u32: attributeBytes | (extensionMask << 16) },
    { at: headBytes + 4, u32: skipStatistics },
  ]);
}

/** Every interface of a namespace. */
export const listLinks = (netns?: string): ParsedLink[] =>
  once(`links ${netns ?? ''}`, () => requestLinks(netns));

function requestLinks(netns: string | undefined): ParsedLink[] {
  const answers = inNetns(netns, () =>
    withRouteSocket((socket) =>
      socket.request('RTM_GETLINK', {
        type: messageType.getLink,
        flags: messageFlag.dump,
        body: linkRequest(0),
      }),
    ),
  );
  return answers.flatMap((answer) => parseLink(answer) ?? []);
}

/** The interfaces of a namespace; default: the process's own. */
export function listInterfaces(netns?: string): InterfaceInfo[] {
  return listLinks(netns).map(({ info }) => info);
}

/** One interface; undefined when it is gone. */
export function readLink(netns: string | undefined, ifindex: number): ParsedLink | undefined {
  if (isLookingOnce()) return listLinks(netns).find(({ info }) => info.ifindex === ifindex);
  try {
    const [answer] = inNetns(netns, () =>
      withRouteSocket((socket) =>
        socket.request('RTM_GETLINK', { type: messageType.getLink, flags: 0, body: linkRequest(ifindex) }),
      ),
    );
    return answer && parseLink(answer);
  } catch (error) {
    if (failedWith(error, 'ENODEV', 'ENXIO')) return undefined;
    throw error;
  }
}
