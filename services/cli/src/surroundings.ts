/** A place to write text to; `isTTY` and `columns` as Node's streams have them. */
export interface TextSink {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
}

/** Everything that the CLI takes from the process it runs in. */
export interface Surroundings {
  stdout: TextSink;
  stderr: TextSink;
  stdin: AsyncIterable<Uint8Array | string>;
  env: Record<string, string | undefined>;
  /** The clone: where `.l3af/` is by default. */
  root: string;
}
