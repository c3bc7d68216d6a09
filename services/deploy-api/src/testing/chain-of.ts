import type { ChainKey } from '@l3af/contracts';

/** The XDP chain of an interface of the node that {@link seed} registers. */
export const keyOf = (name: string): ChainKey => ({ node: 'demo-1', interface: name, hook: 'xdp' });

/** Where the REST API has it. */
export const pathOf = (name: string): string => `/v1/nodes/demo-1/chains/${name}/xdp`;

/** A document that says what is in it. */
export const documentOf = (name: string, kfs: object[]): object => ({
  ...{ apiVersion: 'l3af/v1', kind: 'Chain', ...keyOf(name), kfs },
});
