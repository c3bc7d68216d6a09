import {
  cannot,
  chainKeyText,
  L3afError,
  type ChainKey,
  type LiveEnd,
  liveEndSchema,
  type LiveExplanation,
  liveExplanationSchema,
} from '@l3af/contracts';
import { chainPath } from '../chain/path';
import type { Printer } from '../output/printer';
import { plural } from '../output/words';
import type { Session } from '../session';
import { endText, stepsText } from './explanation.text';
import { packetSummary } from './packet-summary';

export interface LiveOptions {
  match?: string;
  count?: number;
  /** Seconds. */
  timeout?: number;
}

/** Prints packets of a live chain as they come, each KF by KF. */
export async function explainLive(
  { api, print }: Session,
  key: ChainKey,
  options: LiveOptions,
): Promise<void> {
  const { match, count, timeout } = options;
  const body = { match, count, seconds: timeout };
  const path = chainPath(key, 'explain', 'live');
  let isCut = false;
  let end: LiveEnd | undefined;
  for await (const { event, data } of api.stream(path, { method: 'POST', body })) {
    if (event === 'packet') {
      const answer: unknown = JSON.parse(data);
      const packet = liveExplanationSchema.parse(answer);
      if (packet.number === 1 && print.format === 'table') print.write(headText(key, packet, print));
      print.item(answer, () => packetText(packet, print));
      isCut ||= packet.lengthBefore * 2 > packet.arrived.length;
    } else if (event === 'end') end = liveEndSchema.parse(JSON.parse(data));
  }
  if (!end)
    throw new L3afError('api-unreachable', cannot('follow', 'chain', chainKeyText(key), 'the API ended it'));
  if (isCut) print.note('note: of long packets only the first bytes are compared');
  print.note(lastText(end, options));
}

const headText = (key: ChainKey, { revision, generation }: LiveExplanation, print: Printer): string =>
  `${print.style.bold(chainKeyText(key))}  revision ${revision} · generation ${generation}`;

function packetText(packet: LiveExplanation, print: Printer): string {
  const { number, at, arrived, steps, lengthBefore, lengthAfter } = packet;
  const what = packetSummary(Buffer.from(arrived, 'hex'));
  const head = `\npacket ${number} at ${at.slice(11, 23)}: ${print.style.bold(what)}, ${lengthBefore} bytes`;
  return [head, ...stepsText(steps, print), endText(packet, lengthAfter, print)].join('\n');
}

const reasons: Record<LiveEnd['reason'], string> = {
  count: 'as many as were asked for',
  timeout: 'the time is up (--timeout)',
  changed: 'the chain was changed',
  stopped: 'the node stopped',
};

function lastText({ reason, packets, incomplete }: LiveEnd, { match = 'any' }: LiveOptions): string {
  const told = `${plural(packets, 'packet')} matched ${JSON.stringify(match)}: ${reasons[reason]}`;
  return incomplete === 0 ? told : `${told}; of ${incomplete} more a part of the way was not recorded`;
}
