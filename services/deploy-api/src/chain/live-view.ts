import type { ChainView, NodeReply, NodeView } from '@l3af/contracts';

/** What the node says now, and whether it is heard at all. */
export interface LiveFacts {
  node: NodeView | null;
  live: NodeReply<'chains'>;
}

/** Lays the node's live counters over a chain's view. Counters of a KF that the report does not know are left out. */
export function withLive(view: ChainView, { node, live }: LiveFacts): ChainView {
  const { reported } = view;
  if (!reported) return view;
  const now = live.find((chain) => chain.interface === view.interface && chain.hook === view.hook);
  if (!now) return node?.state === 'silent' ? { ...view, reported: { ...reported, state: 'silent' } } : view;
  // A revision that the node has applied but whose report is not projected yet: the node knows better.
  const kfs = reported.kfs.length > 0 && now.generation === reported.generation ? reported.kfs : now.kfs;
  return {
    ...view,
    reported: {
      ...reported,
      state: now.broken > 0 ? 'degraded' : reported.state,
      generation: now.generation,
      mode: now.mode,
      kfs: kfs.map((kf) => ({ ...kf, ...now.kfs.find(({ name }) => name === kf.name) })),
    },
  };
}
