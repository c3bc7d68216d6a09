import { l3afEventSchema, type L3afEvent, type RawEvent } from '@l3af/contracts';
import { shortDigest } from '../output/words';

/** One line about an event for people; empty for events that this version does not know. */
export function summaryOf(raw: RawEvent): string {
  const event = l3afEventSchema.safeParse(raw).data;
  return event ? summary(event) : '';
}

function summary(event: L3afEvent): string {
  const { data } = event;
  if ('interface' in data) return `${data.node}/${data.interface}/${data.hook} ${aboutChain(event)}`.trim();
  if ('node' in data) return data.node;
  if ('build' in data) return `${data.build} ${aboutBuild(event)}`.trim();
  if ('deployment' in data) return data.deployment;
  if ('group' in data) return data.group;
  const version = 'packageVersion' in data && data.packageVersion ? `@${data.packageVersion}` : '';
  return `${data.name}${version} ${shortDigest(data.digest)}`;
}

function aboutChain(event: L3afEvent): string {
  switch (event.type) {
    case 'ChainRevised':
    case 'ChainCleared':
    case 'ChainDeleted':
      return `revision ${event.data.revision}: ${event.data.change.summary}`;
    case 'ChainApplied':
      return `revision ${event.data.revision} live as generation ${event.data.generation} after ${Math.round(event.data.timings.totalMs)} ms`;
    case 'ChainRejected':
      return `revision ${event.data.revision}: ${event.data.error.message}`;
    case 'ChainRolledBack':
      return `revision ${event.data.revision} back to ${event.data.toRevision}: ${event.data.error.message}`;
    case 'ChainDrifted':
      return `${event.data.drift}, ${event.data.action}`;
    case 'ChainBroken':
    case 'KfUnhealthy':
    case 'KfRestarted':
      return event.data.kf;
    case 'CountersReset':
      return `${event.data.kfs.map(({ name }) => name).join(', ')}, by ${event.data.actor}`;
    default:
      return '';
  }
}

function aboutBuild(event: L3afEvent): string {
  if (event.type === 'BuildSucceeded') return `${event.data.name}@${event.data.packageVersion}`;
  return event.type === 'BuildFailed' ? event.data.error.message : '';
}
