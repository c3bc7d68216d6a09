/** How a value is written to or read from bytes. */
export interface CodecOptions {
  /** Where the value stands in the configuration, for errors: `config.rate_limit.burst`. Default: `config`. */
  path?: string;
  /** The name of the field or map that holds the value: it tells addresses and protocols from plain numbers. */
  hint?: string;
  /** Byte order of the target; every architecture but s390x is little-endian. */
  bigEndian?: boolean;
}

/** The same with everything decided, as it goes down a value. */
export interface Codec {
  path: string;
  hint: string;
  bigEndian: boolean;
}

export const codecOf = (options: CodecOptions): Codec => ({
  path: options.path ?? 'config',
  hint: options.hint ?? '',
  bigEndian: options.bigEndian ?? false,
});

const plainName = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** One step down: `config.rate_limit`, `config.deny_sources["10.0.0.0/8"]`, `config.ports[3]`. */
export const below = (path: string, step: string | number): string =>
  typeof step === 'string' && plainName.test(step) ? `${path}.${step}` : `${path}[${JSON.stringify(step)}]`;
