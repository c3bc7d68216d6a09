/** Settings of streams, consumers and buckets, in the words of the NATS client; applied by code at start (libs/event-store). */
export const eventStream = {
  name: 'L3AF_EVENTS',
  subjects: ['l3af.evt.>'],
  allowDirect: true,
  republish: { src: 'l3af.evt.chain.>', dest: 'l3af.live.chain.>' },
  duplicateWindowMs: 120_000,
} as const;

/** Builders share this consumer: each request goes to one of them, and again to another when it is not acknowledged in time. */
export const buildConsumer = {
  durable: 'builders',
  filterSubject: 'l3af.evt.build-request.>',
  /** A builder that works says so every third of this. */
  ackWaitMs: 15_000,
  /** Far more than attempts: one that reaches a builder which is just going away is lost, and says nothing of the build. */
  deliveriesMax: 1_000,
  /** A build that was begun so often and never ended has failed. */
  attemptsMax: 4,
} as const;

/**
 * Builders that have a kernel share its queue of packages to verify. A kernel that is new gets every request there ever was.
 * `kernel`: a release, or the version that a machine boots.
 */
export const verifyConsumer = (kernel: string) => ({
  durable: `verifiers-${kernel.replace(/[^A-Za-z0-9_-]/g, '_')}`,
  filterSubject: 'l3af.evt.verify-request.>',
  ackWaitMs: buildConsumer.ackWaitMs,
  deliveriesMax: buildConsumer.deliveriesMax,
  /** A package that a kernel could not be asked about so often is given up. */
  attemptsMax: 5,
});

/** Object store buckets. Objects are named by their digest. */
export const buckets = {
  sources: 'l3af-sources',
  logs: 'l3af-logs',
  blobs: 'l3af-blobs',
} as const;

/** The oldest nats-server whose features the wire relies on. */
export const natsServerMinimum = '2.9.10';
